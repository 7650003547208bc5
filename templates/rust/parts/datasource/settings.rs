    /// The names of what can be looked up
    items: Vec<String>,
