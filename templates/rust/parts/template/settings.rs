    /// What comes before the name
    greeting: String,
