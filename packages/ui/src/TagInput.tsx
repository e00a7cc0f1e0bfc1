import { X } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import { useField } from "./Field";
import styles from "./TagInput.module.css";
import { texts } from "./texts";

interface TagInputProps {
  defaultValue?: string[];
  suggestions?: string[];
}

const SEPARATOR = /[;,\n]/;

/** Several short words. Enter, a comma or a semicolon ends one; Backspace in an empty field takes the last back. */
export function TagInput({ defaultValue = [], suggestions = [] }: TagInputProps) {
  const { name, required: _, ...wiring } = useField();
  const [tags, setTags] = useState(defaultValue);
  const [draft, setDraft] = useState("");
  const list = useId();

  const add = (text: string) => setTags(before => withNew(before, text.split(SEPARATOR)));
  const remove = (tag: string) => setTags(before => before.filter(other => other !== tag));

  function type(text: string) {
    if (!SEPARATOR.test(text)) return setDraft(text);
    add(text);
    setDraft("");
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && draft.trim()) {
      event.preventDefault();
      type(`${draft};`);
    } else if (event.key === "Backspace" && draft === "") {
      setTags(before => before.slice(0, -1));
    }
  }

  return (
    <div className={styles.box}>
      {tags.map(tag => (
        <span key={tag} className={styles.tag}>
          {tag}
          <input type="hidden" name={name} value={tag} />
          <button type="button" aria-label={texts.remove(tag)} onClick={() => remove(tag)}>
            <X size={14} aria-hidden="true" />
          </button>
        </span>
      ))}
      <input
        {...wiring}
        list={list}
        value={draft}
        autoComplete="off"
        className={styles.draft}
        onChange={event => type(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => type(`${draft};`)}
      />
      <datalist id={list}>
        {suggestions
          .filter(suggestion => !tags.includes(suggestion))
          .map(suggestion => (
            <option key={suggestion} value={suggestion} />
          ))}
      </datalist>
    </div>
  );
}

function withNew(tags: string[], words: string[]): string[] {
  const known = new Set(tags.map(tag => tag.toLowerCase()));
  const fresh = words.map(word => word.trim()).filter(word => word && !known.has(word.toLowerCase()));
  return [...tags, ...new Set(fresh)];
}
