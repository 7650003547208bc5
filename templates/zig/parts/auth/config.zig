    /// Token → who it is.
    tokens: mockforge.json.ArrayHashMap([]const u8) = .{},
