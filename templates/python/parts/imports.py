from mockforge_plugin import (
{% if "auth" in types %}
    AuthCredentials,
    AuthResult,
{% endif %}
{% if "datasource" in types %}
    ColumnInfo,
    DataQuery,
    DataResult,
{% endif %}
{% if "template" in types %}
    FunctionParameter,
{% endif %}
{% if kind != "template" %}
    PluginContext,
{% endif %}
{% if "template" in types %}
    PluginError,
{% endif %}
    RemotePlugin,
{% if "template" in types %}
    ResolutionContext,
{% endif %}
{% if "response" in types %}
    ResponseData,
    ResponseRequest,
{% endif %}
{% if "template" in types %}
    TemplateFunction,
{% endif %}
)
