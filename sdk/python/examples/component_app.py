"""`crypto_functions.py` as a WebAssembly component: see the guide for the command."""

from crypto_functions import CryptoPlugin
from mockforge_plugin.component import export

Auth, Template, Response, Datasource = export(CryptoPlugin(name="Crypto Functions", version="1.0.0"))
