//! The one macro that makes a plugin of a crate.

/// Make a plugin of a type: `export_plugin!(MyPlugin: Auth, Template)`, with the traits that it answers. Once in a crate, whose
/// `crate-type` is `["cdylib", "rlib"]`.
///
/// For `wasm32-unknown-unknown` this exports the ABI: a json/1 module's, or with the feature `component` of this crate that of a
/// component. Everywhere else it adds
///
/// - `mockforge_plugin()`, the plugin for [`testing::PluginTestHarness`](crate::testing::PluginTestHarness), and
/// - a test, `plugin_yaml_is_what_the_code_says`, that compares `plugin.yaml` beside `Cargo.toml` with what the code says: it's
///   written if it's missing, and with `MOCKFORGE_ACCEPT=1` if it's another. Where it stands elsewhere, say so:
///   `export_plugin!(MyPlugin: Auth; plugin_yaml = "package/plugin.yaml")`. It may be any expression: a crate that makes two plugins says
///   which by `if cfg!(feature = "…")`.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty : $($kind:ident),+ $(,)?) => {
        $crate::export_plugin!($plugin: $($kind),+; plugin_yaml = "plugin.yaml");
    };
    ($plugin:ty : $($kind:ident),+ ; plugin_yaml = $file:expr $(,)?) => {
        impl $crate::Exported for $plugin {
            const TYPES: &'static [$crate::PluginType] = &[$($crate::PluginType::$kind),+];
        }

        $($crate::__export_type!($kind, $plugin);)+
        $crate::__export_abi!();

        /// The plugin, for tests.
        #[cfg(not(target_family = "wasm"))]
        pub fn mockforge_plugin() -> $crate::testing::Native {
            let calls = $crate::__private::Calls::new();
            $(let calls = $crate::__calls_of!(calls, $kind, $plugin);)+
            $crate::testing::Native::of::<$plugin>(calls)
        }

        #[cfg(all(test, not(target_family = "wasm")))]
        mod mockforge_plugin_yaml {
            #[allow(unused_imports, reason = "the plugin may be named by a path that needs none of them")]
            use super::*;

            #[test]
            fn plugin_yaml_is_what_the_code_says() {
                let file = ::std::path::Path::new(::core::env!("CARGO_MANIFEST_DIR")).join($file);
                $crate::testing::check_plugin_yaml(&file, &$crate::plugin_yaml::<$plugin>());
            }
        }
    };
}

/// The calls of one type.
#[doc(hidden)]
#[macro_export]
macro_rules! __calls_of {
    ($calls:ident, Auth, $plugin:ty) => {
        $calls.auth::<$plugin>()
    };
    ($calls:ident, Template, $plugin:ty) => {
        $calls.template::<$plugin>()
    };
    ($calls:ident, Response, $plugin:ty) => {
        $calls.response::<$plugin>()
    };
    ($calls:ident, Datasource, $plugin:ty) => {
        $calls.datasource::<$plugin>()
    };
}

/// What the wasm exports for one type: as a component.
#[doc(hidden)]
#[cfg(feature = "component")]
#[macro_export]
macro_rules! __export_type {
    ($kind:ident, $plugin:ty) => {
        #[cfg(target_family = "wasm")]
        $crate::__export_component!($kind, $plugin);
    };
}

/// A component's ABI is in the exports of its types.
#[doc(hidden)]
#[cfg(feature = "component")]
#[macro_export]
macro_rules! __export_abi {
    () => {};
}

/// What the wasm exports for one type: as a json/1 module.
#[doc(hidden)]
#[cfg(not(feature = "component"))]
#[macro_export]
macro_rules! __export_type {
    (Auth, $plugin:ty) => {
        $crate::__export_call!(authenticate, $crate::__private::authenticate::<$plugin>);
    };
    (Template, $plugin:ty) => {
        $crate::__export_call!(template_function, $crate::__private::execute::<$plugin>);
        $crate::__export_call!(template_functions, $crate::__private::functions::<$plugin>);
    };
    (Response, $plugin:ty) => {
        $crate::__export_call!(generate_response, $crate::__private::generate::<$plugin>);
    };
    (Datasource, $plugin:ty) => {
        $crate::__export_call!(query_datasource, $crate::__private::query::<$plugin>);
    };
}

/// One call of a json/1 module.
#[doc(hidden)]
#[cfg(not(feature = "component"))]
#[macro_export]
macro_rules! __export_call {
    ($name:ident, $handler:path) => {
        /// A call: request in, envelope out.
        ///
        /// # Safety
        /// The host's request is where it says.
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(pointer: *const u8, length: usize) -> u64 {
            // SAFETY: by the caller's promise.
            unsafe { $crate::__private::json1::answer(pointer, length, $handler) }
        }
    };
}

/// What every json/1 module exports.
#[doc(hidden)]
#[cfg(not(feature = "component"))]
#[macro_export]
macro_rules! __export_abi {
    () => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn mockforge_abi() -> i32 {
                1
            }

            #[unsafe(no_mangle)]
            extern "C" fn alloc(length: usize) -> *mut u8 {
                $crate::__private::json1::alloc(length)
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn dealloc(pointer: *mut u8, length: usize) {
                // SAFETY: the host gives back what it got.
                unsafe { $crate::__private::json1::dealloc(pointer, length) }
            }
        };
    };
}
