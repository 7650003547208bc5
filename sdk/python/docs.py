"""Makes the reference of the package's classes and functions, as web pages.

    python docs.py FOLDER

What it makes isn't committed; `check.sh` makes it to `target/sdk-python/api`, and a warning fails it there. Needs pdoc.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pdoc

import mockforge_plugin

MODULES = ["mockforge_plugin", "mockforge_plugin.testing", "mockforge_plugin.component", "mockforge_plugin.host"]


def undocumented(module: pdoc.doc.Module) -> list[str]:
    """What a reader would find without a word."""
    owners: list[pdoc.doc.Module | pdoc.doc.Class] = [module]
    owners += [of for of in module.classes if isinstance(of, pdoc.doc.Class) and not of.name.startswith("_")]
    return [
        member.fullname
        for owner in owners
        for member in owner.own_members
        if isinstance(member, (pdoc.doc.Function, pdoc.doc.Class)) and not member.docstring and not member.name.startswith("_")
    ]


def main(folder: str) -> None:
    """Make it, if there's a word for everything."""
    # What's imported when it's asked for, pdoc doesn't ask for.
    for name in mockforge_plugin.__all__:
        setattr(mockforge_plugin, name, getattr(mockforge_plugin, name))
    pdoc.render.configure(docformat="markdown", footer_text=f"mockforge-plugin {mockforge_plugin.__version__}")
    pdoc.pdoc(*MODULES, output_directory=Path(folder))
    for module in MODULES:
        for name in undocumented(pdoc.doc.Module.from_name(module)):
            sys.exit(f"docs.py: {name} has no documentation")


if __name__ == "__main__":
    main(sys.argv[1])
