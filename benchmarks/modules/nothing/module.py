from framework.module import Module
from framework.tasks import TaskRun, task


@task("nothing.noop")
async def noop(run: TaskRun) -> None:
    pass


module = Module(name="nothing", label="Nothing", tasks=(noop,))
