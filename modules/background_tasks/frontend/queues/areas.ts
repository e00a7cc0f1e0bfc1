export type Series = (number | null)[];

interface Area {
  /** An SVG path along the values. */
  line: string;
  /** The same, closed along the ground. */
  area: string;
}

/** Each stretch of known values as paths in a box of `width` × `height`, whose top is `highest`. */
export function areas(values: Series, highest: number, width: number, height: number): Area[] {
  const top = 2; // So that the line of the highest value is not cut in half.
  const x = (index: number) => round(((index + 0.5) / values.length) * width);
  const y = (value: number) => round(highest > 0 ? height - (value / highest) * (height - top) : height);
  return stretches(values).map(({ from, known }) => {
    const points = known.map((value, index) => [x(from + index), y(value)] as const);
    // A moment on its own is drawn as wide as it lasted.
    if (points.length === 1)
      points.push([round((points[0]?.[0] ?? 0) + width / values.length), points[0]?.[1] ?? 0]);
    const line = `M${points.map(point => point.join(" ")).join("L")}`;
    return { line, area: `${line}L${points.at(-1)?.[0]} ${height}L${points[0]?.[0]} ${height}Z` };
  });
}

function stretches(values: Series) {
  const found: { from: number; known: number[] }[] = [];
  let open = false;
  values.forEach((value, index) => {
    if (value === null) open = false;
    else if (open) found.at(-1)?.known.push(value);
    else {
      found.push({ from: index, known: [value] });
      open = true;
    }
  });
  return found;
}

const round = (value: number) => Math.round(value * 10) / 10;
