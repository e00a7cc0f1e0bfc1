import { IconButton, SpokenOnly, Time } from "@seamark/ui";
import { Check, Trash2 } from "lucide-react";
import { Link } from "react-router";
import styles from "./NoticeList.module.css";
import { type Notice, useDelete, useMarkRead } from "./notices";
import { texts } from "./texts";

interface NoticeListProps {
  items: Notice[];
  /** What to do when the person goes where a notice leads. */
  onFollow?: () => void;
  deletable?: boolean;
}

export function NoticeList({ items, onFollow, deletable }: NoticeListProps) {
  return (
    <ul className={styles.list}>
      {items.map(notice => (
        <NoticeLine key={notice.id} notice={notice} onFollow={onFollow} deletable={deletable} />
      ))}
    </ul>
  );
}

type LineProps = Omit<NoticeListProps, "items"> & { notice: Notice };

function NoticeLine({
  notice: { id, title, body, path, created_at, read_at },
  onFollow,
  deletable,
}: LineProps) {
  const markRead = useMarkRead();
  const remove = useDelete();
  const isUnread = read_at === null;

  function follow() {
    if (isUnread) markRead.mutate(id);
    onFollow?.();
  }

  return (
    <li className={`${styles.notice} ${isUnread ? styles.unread : ""}`}>
      <div className={styles.words}>
        {isUnread && <SpokenOnly>{texts.unread}</SpokenOnly>}
        {path ? (
          <Link to={path} className={styles.title} onClick={follow}>
            {title}
          </Link>
        ) : (
          <p className={styles.title}>{title}</p>
        )}
        {body && <p className={styles.body}>{body}</p>}
        <p className={styles.when}>
          <Time value={created_at} />
        </p>
      </div>
      <div className={styles.actions}>
        {isUnread && (
          <IconButton
            label={texts.markRead(title)}
            icon={Check}
            small
            busy={markRead.isPending}
            onClick={() => markRead.mutate(id)}
          />
        )}
        {deletable && (
          <IconButton
            label={texts.delete(title)}
            icon={Trash2}
            small
            busy={remove.isPending}
            onClick={() => remove.mutate(id)}
          />
        )}
      </div>
    </li>
  );
}
