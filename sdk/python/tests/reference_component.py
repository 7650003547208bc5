"""The reference plugin as a component: what componentize-py is given."""

from mockforge_plugin.component import export
from reference import Reference

Auth, Template, Response, Datasource = export(Reference("reference", "1.0.0"))
