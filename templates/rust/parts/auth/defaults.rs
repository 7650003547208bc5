            tokens: BTreeMap::new(),
