    /// The status of every answer
    #[schemars(range(min = 100, max = 599))]
    status: u16,
    /// What it says
    message: String,
