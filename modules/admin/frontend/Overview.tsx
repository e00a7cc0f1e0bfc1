import { useCan } from "@seamark/app";
import { Grid, PageHeader } from "@seamark/ui";
import { FindingsCard } from "./FindingsCard";
import { ModulesCard } from "./ModulesCard";
import { HealthCard } from "./StatusCard";
import { texts } from "./texts";

export default function Overview() {
  const canSeeHealth = useCan("admin.health.view");
  return (
    <>
      <PageHeader title={texts.overview} lead={texts.overviewLead} />
      <Grid>
        {canSeeHealth && <HealthCard />}
        <FindingsCard />
        <ModulesCard />
      </Grid>
    </>
  );
}
