//! The plugin `{$ name $}`: what it answers. How it talks with the host is in mockforge.zig.

const std = @import("std");

const mockforge = @import("mockforge.zig");
const Error = mockforge.Error;

comptime {
    mockforge.exportAbi();
{% for type in types %}
{% include "zig/parts/" ~ type ~ "/export.zig" %}
{% endfor %}
}

/// Its configuration, as `[config.{$ name $}]` of a project has it.
const Config = struct {
{% for type in types %}
{% include "zig/parts/" ~ type ~ "/config.zig" %}
{% endfor %}
};
{% if types != ["template"] %}

/// The request that it's about.
const Context = struct { method: []const u8 = "", uri: []const u8 = "" };
{% endif %}
{% for type in types %}

{% include "zig/parts/" ~ type ~ "/call.zig" %}
{% endfor %}
