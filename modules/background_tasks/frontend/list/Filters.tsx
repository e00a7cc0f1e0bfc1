import { Button, SearchInput, Select } from "@seamark/ui";
import { X } from "lucide-react";
import { useId } from "react";
import type { Summary, TaskFilters } from "../tasks";
import { texts } from "../texts";
import styles from "./Filters.module.css";
import type { Filter } from "./useFilters";

interface FiltersProps {
  text: string;
  onText: (text: string) => void;
  filters: Pick<TaskFilters, Filter>;
  onFilter: (filter: Filter, value: string) => void;
  /** Knows what there is to choose from. */
  summary: Summary | undefined;
}

export function Filters({ text, onText, filters, onFilter, summary }: FiltersProps) {
  const choice = (filter: Filter, label: string, options: [string, string][]) => (
    <Choice
      label={label}
      value={filters[filter] ?? ""}
      options={options}
      onChoose={value => onFilter(filter, value)}
    />
  );
  return (
    <search className={styles.filters}>
      <div className={styles.text}>
        <SearchInput label={texts.search} value={text} onChange={event => onText(event.target.value)} />
      </div>
      {choice("status", texts.status, Object.entries(texts.statuses))}
      {choice("name", texts.task, same(summary?.names))}
      {choice("module", texts.module, same(summary?.modules))}
      {choice("queue", texts.queue, same(summary?.queues))}
      <Only
        label={texts.onlyCorrelation}
        value={filters.correlation_id}
        onClear={() => onFilter("correlation_id", "")}
      />
      <Only label={texts.onlySchedule} value={filters.schedule} onClear={() => onFilter("schedule", "")} />
    </search>
  );
}

const same = (values: string[] = []): [string, string][] => values.map(value => [value, value]);

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  onChoose: (value: string) => void;
}

function Choice({ label, value, options, onChoose }: ChoiceProps) {
  const id = useId();
  // A link may ask for what nothing here is called any more.
  const all =
    value && !options.some(([option]) => option === value) ? [...options, ...same([value])] : options;
  return (
    <div className={styles.choice}>
      <label htmlFor={id}>{label}</label>
      <Select id={id} value={value} onChange={event => onChoose(event.target.value)}>
        <option value="">{texts.any}</option>
        {all.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </Select>
    </div>
  );
}

/** A filter that a link has set and nobody would type. */
function Only({ label, value, onClear }: { label: string; value: string | undefined; onClear: () => void }) {
  if (!value) return null;
  return (
    <Button small icon={X} onClick={onClear}>
      {label} <code>{value.length > 20 ? `${value.slice(0, 12)}…` : value}</code>
    </Button>
  );
}
