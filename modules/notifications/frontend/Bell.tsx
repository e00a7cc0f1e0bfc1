import { Loaded } from "@seamark/app";
import { Button, ButtonLink, EmptyState, Popover, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { BellOff, Bell as BellSign } from "lucide-react";
import styles from "./Bell.module.css";
import { NoticeList } from "./NoticeList";
import { noticesQuery, useMarkAllRead, useUnread } from "./notices";
import { texts } from "./texts";

const LATEST = 8;

/** In the application's header: how many notices wait, and the latest of them. */
export default function Bell() {
  const unread = useUnread();
  return (
    <Popover
      label={texts.notifications}
      triggerLabel={texts.bell(unread ?? 0)}
      trigger={
        <>
          <BellSign size={20} aria-hidden="true" />
          {!!unread && (
            <span className={styles.count} aria-hidden="true">
              {texts.counted(unread)}
            </span>
          )}
        </>
      }
    >
      {close => <Latest unread={unread} onLeave={close} />}
    </Popover>
  );
}

function Latest({ unread, onLeave }: { unread: number | undefined; onLeave: () => void }) {
  const latest = useQuery(noticesQuery(unread, LATEST));
  const markAll = useMarkAllRead();
  return (
    <>
      <div className={styles.head}>
        <h2>{texts.notifications}</h2>
        {!!unread && (
          <Button look="quiet" small busy={markAll.isPending} onClick={() => markAll.mutate()}>
            {texts.markAllRead}
          </Button>
        )}
      </div>
      <Loaded query={latest} skeleton={<Skeleton lines={3} tall />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={BellOff} title={texts.empty}>
              {texts.emptyDetail}
            </EmptyState>
          ) : (
            <NoticeList items={items} onFollow={onLeave} />
          )
        }
      </Loaded>
      <div className={styles.foot}>
        <ButtonLink to="/notifications" small onClick={onLeave}>
          {texts.all}
        </ButtonLink>
      </div>
    </>
  );
}
