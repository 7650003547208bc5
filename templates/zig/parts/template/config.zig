    /// What comes before the name.
    greeting: []const u8 = "Hello",
