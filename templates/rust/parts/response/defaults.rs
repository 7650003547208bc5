            status: 200,
            message: "Hello".to_owned(),
