import { useEffect, useRef, useState } from "react";

const PAUSE = 250;

/** The text of a search field: shown at once, applied when the typing pauses, and following the address when that changes. */
export function useSearchText(
  applied: string,
  apply: (text: string) => void,
): [string, (text: string) => void] {
  const [text, setText] = useState(applied);
  const sent = useRef(applied);

  useEffect(() => {
    if (applied === sent.current) return;
    sent.current = applied;
    setText(applied);
  }, [applied]);

  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      apply(sent.current);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text, apply]);

  return [text, setText];
}
