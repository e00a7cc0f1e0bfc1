from framework.module import Module

from .routes import router

module = Module(name="shelf", label="Shelf", router=router)
