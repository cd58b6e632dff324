//! The rules of `docs/architecture.md` that a compiler does not check, read from the source tree.

mod source_text;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source_text::{code_only, lines_with, without_test_modules};

const GPU_LIBRARY: &[&str] = &["wgpu"];
const PRINTING: &[&str] =
    &["print!", "println!", "eprint!", "eprintln!", "dbg!", "stdout()", "stderr()"];
const FILES: &[&str] = &["std::fs", "fs::", "File::", "OpenOptions", "tempfile"];

/// HTML comment in front of the README's test command; `.ci/run` looks for it too.
const TEST_COMMAND_MARK: &str = "<!-- test command -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Paths below `folder`, relative to the root, with `/` between the parts.
fn files_below(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{} cannot be listed: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry of a folder that could be opened").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let relative = path.strip_prefix(root()).expect("a path below the root");
                found.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// Stems of the files with `ending` directly in `folder`.
fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    let directly = |path: &String| Path::new(path).parent() == Some(Path::new(folder));
    let stem = |path: String| {
        Path::new(&path).file_stem().expect("a file has a stem").to_string_lossy().into_owned()
    };
    files_below(folder, ending).into_iter().filter(directly).map(stem).collect()
}

/// `FILE:LINE` of each use of `tokens` in the code of one file.
fn uses_in(path: &str, source: &str, tokens: &[&str]) -> Vec<String> {
    let code = without_test_modules(&code_only(source));
    lines_with(&code, tokens).into_iter().map(|line| format!("{path}:{line}")).collect()
}

/// Fails naming each use of `tokens` in `src/` outside the places `allowed`.
fn assert_only(tokens: &[&str], rule: &str, allowed: impl Fn(&str) -> bool) {
    let offences: Vec<String> = files_below("src", "rs")
        .into_iter()
        .filter(|path| !allowed(path))
        .flat_map(|path| uses_in(&path, &read(&path), tokens))
        .collect();
    assert!(offences.is_empty(), "{rule}; these lines do not keep to it:\n{}", offences.join("\n"));
}

#[test]
fn only_the_gpu_engine_names_the_gpu_library() {
    assert_only(GPU_LIBRARY, "only src/compute/gpu* may use wgpu", |path| {
        path.starts_with("src/compute/gpu")
    });
}

#[test]
fn only_the_command_line_prints() {
    assert_only(PRINTING, "only src/cli and src/main.rs may print", |path| {
        path.starts_with("src/cli") || path == "src/main.rs"
    });
}

#[test]
fn only_io_opens_files() {
    assert_only(FILES, "only src/io may open files", |path| path.starts_with("src/io"));
}

/// Files of `src/kernels` that declare a kernel (others hold what kernels share).
fn kernel_files() -> BTreeSet<String> {
    let declares = |stem: &String| {
        stem != "mod"
            && code_only(&read(&format!("src/kernels/{stem}.rs"))).contains("static KERNEL")
    };
    stems("src/kernels", "rs").into_iter().filter(declares).collect()
}

/// Stems of the entries `stem::KERNEL` of the registry's `ALL`.
fn registered_kernels() -> BTreeSet<String> {
    let code = code_only(&read("src/kernels/mod.rs"));
    let begin = code.find("static ALL").expect("src/kernels/mod.rs declares `static ALL`");
    let end = begin + code[begin..].find(';').expect("`static ALL` ends in a semicolon");
    let module_of = |part: &str| {
        let word = part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next();
        word.expect("rsplit gives one part at least").to_owned()
    };
    let mut parts: Vec<&str> = code[begin..end].split("::KERNEL").collect();
    parts.pop();
    parts.into_iter().map(module_of).collect()
}

fn assert_same(what: &str, found: &BTreeSet<String>, shaders: &BTreeSet<String>) {
    let missing: Vec<_> = shaders.difference(found).collect();
    let surplus: Vec<_> = found.difference(shaders).collect();
    assert!(missing.is_empty(), "{what} lacks these stems of shaders/*.wgsl: {missing:?}");
    assert!(surplus.is_empty(), "{what} has {surplus:?} without shaders/STEM.wgsl");
}

#[test]
fn every_shader_has_its_rust_file_and_the_reverse() {
    assert_same("src/kernels/", &kernel_files(), &stems("shaders", "wgsl"));
}

#[test]
fn every_shader_is_registered_and_the_reverse() {
    assert_same("kernels::ALL", &registered_kernels(), &stems("shaders", "wgsl"));
}

#[test]
fn every_shader_has_its_twin_test() {
    let shaders = stems("shaders", "wgsl");
    let mains = code_only(&read("tests/twins/main.rs"));
    let declared: BTreeSet<String> =
        shaders.iter().filter(|stem| mains.contains(&format!("mod {stem};"))).cloned().collect();
    let files = stems("tests/twins", "rs");
    let present: BTreeSet<String> = files.intersection(&shaders).cloned().collect();
    assert_same("tests/twins/", &present, &shaders);
    assert_same("tests/twins/main.rs (`mod STEM;`)", &declared, &shaders);
}

#[test]
fn every_twin_test_belongs_to_a_shader() {
    // A twin test calls the twin in src/kernels/STEM.rs; files that name no twin of their own
    // stem are shared cases and registry checks.
    let shaders = stems("shaders", "wgsl");
    let modules = stems("src/kernels", "rs");
    let orphans: Vec<String> = stems("tests/twins", "rs")
        .into_iter()
        .filter(|stem| !shaders.contains(stem))
        .filter(|stem| {
            let code = code_only(&read(&format!("tests/twins/{stem}.rs")));
            modules.contains(stem) || !lines_with(&code, &[&format!("kernels::{stem}")]).is_empty()
        })
        .map(|stem| format!("tests/twins/{stem}.rs"))
        .collect();
    assert!(orphans.is_empty(), "twin tests without shaders/STEM.wgsl: {orphans:?}");
}

/// The lines of the code block that follows the mark in the README.
fn test_command(readme: &str) -> Vec<&str> {
    readme
        .lines()
        .skip_while(|line| *line != TEST_COMMAND_MARK)
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .collect()
}

#[test]
fn the_readme_names_the_two_commands() {
    let readme = read("README.md");
    assert_eq!(test_command(&readme), ["cargo test"], "the block after {TEST_COMMAND_MARK}");
    let demo = "cargo run --release -- demo";
    assert!(readme.lines().any(|line| line == demo), "README.md has no line `{demo}`");
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let script = read(".ci/run");
    assert!(
        script.contains("README.md") && script.contains(TEST_COMMAND_MARK),
        ".ci/run must take its test command from README.md, after {TEST_COMMAND_MARK}"
    );
    let own = |line: &&str| !line.trim_start().starts_with('#') && line.contains("cargo test");
    let offence = script.lines().enumerate().find(|(_, line)| own(line));
    assert_eq!(offence, None, ".ci/run must not spell out a test command of its own");
}

#[test]
fn planted_offences_are_found_at_their_lines() {
    let planted = "fn f() {\n    println!(\"x\");\n    let d = wgpu::Device;\n    \
                   let f = std::fs::File::open(p);\n}\n";
    assert_eq!(uses_in("src/a.rs", planted, PRINTING), ["src/a.rs:2"], "printing");
    assert_eq!(uses_in("src/a.rs", planted, GPU_LIBRARY), ["src/a.rs:3"], "the GPU library");
    assert_eq!(uses_in("src/a.rs", planted, FILES), ["src/a.rs:4"], "opening a file");
    let after_tests = "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nfn g() { print!() }\n";
    assert_eq!(uses_in("src/a.rs", after_tests, PRINTING), ["src/a.rs:5"], "after a test module");
    let odd_literals = "let q = '\"'; let r = r#\"a \"b\" c\"#;\nprintln!();\n";
    assert_eq!(uses_in("src/a.rs", odd_literals, PRINTING), ["src/a.rs:2"], "after odd literals");
}

#[test]
fn comments_strings_and_test_modules_are_no_offence() {
    let harmless = "//! println!(wgpu)\n/* std::fs /* nested */ print!() */\n\
                    fn f<'a>(x: &'a str) { my_println!(x); let s = \"wgpu File:: println!\"; }\n\
                    #[cfg(test)]\nmod tests {\n    fn g() { println!(); std::fs::read(p); }\n}\n";
    for tokens in [PRINTING, GPU_LIBRARY, FILES] {
        let found = uses_in("src/a.rs", harmless, tokens);
        assert!(found.is_empty(), "{tokens:?} wrongly found: {found:?}");
    }
}

#[test]
fn a_stem_on_one_side_only_is_refused() {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let (one, two): (BTreeSet<String>, BTreeSet<String>) = (set(&["a"]), set(&["a", "b"]));
    for (found, shaders) in [(&one, &two), (&two, &one)] {
        let refused = std::panic::catch_unwind(|| assert_same("a place", found, shaders));
        assert!(refused.is_err(), "{found:?} against shaders {shaders:?} must be refused");
    }
}
