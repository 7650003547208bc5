    /// The names of what can be looked up.
    items: []const []const u8 = &.{ "apple", "banana", "cherry" },
