#![no_main]

use libfuzzer_sys::fuzz_target;
use mfp_fuzz::properties;

fuzz_target!(|data: &[u8]| properties::signature(data));
