    /// Token → who it is
    tokens: BTreeMap<String, String>,
