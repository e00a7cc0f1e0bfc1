from framework.module import Module

from shelf.routes import router

module = Module(name="shelf", label="Shelf", router=router)
