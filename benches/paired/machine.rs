//! The properties of the machine on which a figure depends.

use std::{collections::BTreeMap, fs, process::Command};

/// The processor, its instructions that matter here, the kernel, the C library and the compiler.
pub fn machine() -> BTreeMap<&'static str, String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
    };
    let flags = field("flags");
    let has = |wanted: &&str| flags.split(' ').any(|flag| flag == *wanted);
    let wanted = ["aes", "pclmulqdq", "avx2", "vaes", "vpclmulqdq", "avx512f", "sha_ni"];
    let flags: Vec<&str> = wanted.into_iter().filter(has).collect();
    BTreeMap::from([
        ("architecture", std::env::consts::ARCH.to_owned()),
        ("processor", field("model name")),
        ("flags", flags.join(" ")),
        ("kernel", output("uname", &["-sr"])),
        ("libc", output("getconf", &["GNU_LIBC_VERSION"])),
        ("compiler", output("rustc", &["--version"])),
    ])
}

/// Returns the output of a program, or nothing if it is not installed.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
