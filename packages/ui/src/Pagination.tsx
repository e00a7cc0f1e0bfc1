import { ArrowLeft, ArrowRight, ChevronsLeft } from "lucide-react";
import { Button } from "./Button";
import styles from "./Pagination.module.css";
import { texts } from "./texts";

interface PaginationProps {
  /** Undefined where there is no such page. */
  onNext?: (() => void) | undefined;
  onPrevious?: (() => void) | undefined;
  /** For someone who came by a link to a later page, and so has no previous one. */
  onFirst?: (() => void) | undefined;
}

/** For lists read by cursor: they know the next page and where one came from, not how many there are. */
export function Pagination({ onNext, onPrevious, onFirst }: PaginationProps) {
  if (!onNext && !onPrevious && !onFirst) return null;
  return (
    <nav aria-label={texts.pages} className={styles.pagination}>
      {onFirst ? (
        <Button icon={ChevronsLeft} onClick={onFirst}>
          {texts.firstPage}
        </Button>
      ) : (
        <Button icon={ArrowLeft} disabled={!onPrevious} onClick={onPrevious}>
          {texts.previous}
        </Button>
      )}
      <Button disabled={!onNext} onClick={onNext}>
        {texts.next}
        <ArrowRight size={16} aria-hidden="true" />
      </Button>
    </nav>
  );
}
