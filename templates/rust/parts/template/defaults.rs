            greeting: "Hello".to_owned(),
