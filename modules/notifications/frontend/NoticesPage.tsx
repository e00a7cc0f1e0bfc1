import { Loaded, useListState } from "@seamark/app";
import { Button, Card, EmptyState, PageHeader, Pagination, Skeleton, Stack } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { BellOff, CheckCheck } from "lucide-react";
import { NoticeList } from "./NoticeList";
import { noticesQuery, useMarkAllRead, useUnread } from "./notices";
import { texts } from "./texts";

const PAGE = 25;

export default function NoticesPage() {
  const list = useListState("-created_at");
  const unread = useUnread();
  const notices = useQuery(noticesQuery(unread, PAGE, list.cursor));
  const markAll = useMarkAllRead();
  return (
    <>
      <PageHeader
        title={texts.notifications}
        lead={texts.lead}
        actions={
          !!unread && (
            <Button icon={CheckCheck} busy={markAll.isPending} onClick={() => markAll.mutate()}>
              {texts.markAllRead}
            </Button>
          )
        }
      />
      <Loaded query={notices} skeleton={<Skeleton lines={6} tall />}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <EmptyState icon={BellOff} title={texts.empty}>
              {texts.emptyDetail}
            </EmptyState>
          ) : (
            <Stack>
              <Card>
                <NoticeList items={items} deletable />
              </Card>
              <Pagination
                onNext={next_cursor ? () => list.toNext(next_cursor) : undefined}
                onPrevious={list.toPrevious}
                onFirst={list.toFirst}
              />
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}
