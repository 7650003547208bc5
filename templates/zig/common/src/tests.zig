//! Tests that run natively: `zig build test`. What the host gives they say in `mockforge.pretend`.

const std = @import("std");
const expectEqualStrings = std.testing.expectEqualStrings;

const mockforge = @import("mockforge.zig");
const plugin = @import("plugin.zig");
{% for type in types %}

{% include "zig/parts/" ~ type ~ "/tests.zig" %}
{% endfor %}
