from framework.module import Module

module = Module(name="background_tasks", label="Background tasks")
