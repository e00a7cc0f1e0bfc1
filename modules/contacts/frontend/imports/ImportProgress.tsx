import { Loaded } from "@seamark/app";
import { Card, PageHeader, Skeleton } from "@seamark/ui";
import { useParams } from "react-router";
import { texts } from "../texts";
import { ImportBadge } from "./ImportBadge";
import { ImportCard } from "./ImportCard";
import { useImportProgress } from "./useImportProgress";

export default function ImportProgress() {
  const { id = "" } = useParams();
  const { query, connection } = useImportProgress(id);
  const { data } = query;
  return (
    <>
      <PageHeader
        title={data?.filename ?? texts.importTitle}
        back={{ to: "/contacts/import", label: texts.importTitle }}
        aside={data && <ImportBadge status={data.status} />}
      />
      <Loaded
        query={query}
        skeleton={
          <Card>
            <Skeleton lines={4} />
          </Card>
        }
      >
        {job => <ImportCard job={job} connection={connection} />}
      </Loaded>
    </>
  );
}
