    /// The status of every answer.
    status: u16 = 200,
    /// What it says.
    message: []const u8 = "Hello",
