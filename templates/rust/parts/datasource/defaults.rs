            items: ["apple", "banana", "cherry"].map(str::to_owned).into(),
