impl Template for {% include "rust/parts/struct.txt" %} {
    fn functions(&self) -> Vec<Function> {
        vec![Function::new("greet", "string", "Greets somebody").needs(
            "name",
            "string",
            "Who it is",
        )]
    }

    fn execute(&self, call: FunctionCall, host: &dyn Host) -> Result<Value> {
        match call.function_name.as_str() {
            "greet" => {
                let (name,): (String,) = call.args()?;
                host.info(&format!("greeting {name}"));
                Ok(format!("{}, {name}!", self.settings.greeting).into())
            }
            _ => Err(call.unknown()),
        }
    }
}
