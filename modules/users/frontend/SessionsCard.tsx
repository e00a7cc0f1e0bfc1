import { type Answer, api } from "@seamark/api-client";
import { Loaded } from "@seamark/app";
import { Badge, Button, Card, Skeleton, Time, useToast } from "@seamark/ui";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MonitorSmartphone } from "lucide-react";
import { deviceName } from "./deviceName";
import { sessionsQuery } from "./queries";
import styles from "./SessionsCard.module.css";
import { texts } from "./texts";

type Session = Answer<"/api/users/me/sessions">["items"][number];

/** Where this person is signed in, and a way to end what they do not recognise. */
export function SessionsCard() {
  const sessions = useQuery(sessionsQuery);
  const client = useQueryClient();
  const toast = useToast();
  const end = useMutation({
    mutationFn: (ids: string[]) =>
      Promise.all(ids.map(id => api.DELETE("/api/users/me/sessions/{id}", { params: { path: { id } } }))),
    onSuccess: (_, ids) => toast({ message: texts.sessionsEnded(ids.length) }),
    onError: () => toast({ message: texts.sessionsNotEnded, tone: "danger" }),
    onSettled: () => client.invalidateQueries(sessionsQuery),
  });
  const others = sessions.data?.items.filter(session => !session.current) ?? [];

  return (
    <Card
      title={texts.sessions}
      icon={MonitorSmartphone}
      actions={
        others.length > 1 && (
          <Button small busy={end.isPending} onClick={() => end.mutate(others.map(session => session.id))}>
            {texts.endOthers}
          </Button>
        )
      }
    >
      <Loaded query={sessions} skeleton={<Skeleton lines={2} tall />}>
        {({ items }) => (
          <ul className={styles.sessions}>
            {items.map(session => (
              <SessionLine key={session.id} session={session} onEnd={() => end.mutate([session.id])} />
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

function SessionLine({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const device = deviceName(session.user_agent ?? "");
  return (
    <li className={styles.session}>
      <div className={styles.words}>
        <p className={styles.device}>
          {device} {session.current && <Badge tone="success">{texts.thisDevice}</Badge>}
        </p>
        <p className={styles.detail}>
          {session.address} · {texts.lastSeen} <Time value={session.last_seen_at} /> · {texts.since}{" "}
          <Time value={session.created_at} />
        </p>
      </div>
      {!session.current && (
        <Button small aria-label={texts.endSessionOn(device)} onClick={onEnd}>
          {texts.endSession}
        </Button>
      )}
    </li>
  );
}
