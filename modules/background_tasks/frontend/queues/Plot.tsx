import { type PointerEvent, useState } from "react";
import type { Samples } from "../tasks";
import { texts } from "../texts";
import { areas, type Series } from "./areas";
import styles from "./Plot.module.css";

const WIDTH = 240;
const HEIGHT = 64;

interface PlotProps {
  title: string;
  queue: string;
  samples: Samples | undefined;
  values: Series | undefined;
  format: (value: number) => string;
}

/** One measure over the last hour; pointing at it tells the value of that moment. Gaps are where nobody looked. */
export function Plot({ title, queue, samples, values = [], format }: PlotProps) {
  const [pointed, setPointed] = useState<number>();
  const known = values.filter(value => value !== null);
  const highest = Math.max(0, ...known);
  const last = known.at(-1);
  const at = pointed === undefined ? undefined : values[pointed];

  function point(event: PointerEvent<SVGSVGElement>) {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left) / width) * values.length);
    setPointed(Math.min(Math.max(index, 0), values.length - 1));
  }

  const ago = (index: number) =>
    Math.round(((values.length - 1 - index) * (samples?.step_seconds ?? 0)) / 60);
  const summary =
    last === undefined ? texts.noSamples : `${texts.now(format(last))}, ${texts.highest(format(highest))}`;
  return (
    <figure className={styles.plot}>
      <figcaption>
        <span>{title}</span>
        <span className={styles.reading}>
          {pointed !== undefined && at !== undefined && at !== null
            ? `${texts.minutesAgo(ago(pointed))}: ${format(at)}`
            : summary}
        </span>
      </figcaption>
      <svg
        role="img"
        aria-label={`${texts.plotOf(title, queue)}: ${summary}`}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
      >
        {areas(values, highest, WIDTH, HEIGHT).map(({ line, area }) => (
          <g key={line}>
            <path d={area} className={styles.area} />
            <path d={line} className={styles.line} />
          </g>
        ))}
        {pointed !== undefined && (
          <line
            x1={((pointed + 0.5) / values.length) * WIDTH}
            x2={((pointed + 0.5) / values.length) * WIDTH}
            y1={0}
            y2={HEIGHT}
            className={styles.cursor}
          />
        )}
      </svg>
    </figure>
  );
}
