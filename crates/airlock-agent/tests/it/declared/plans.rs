//! Plans: looked at first, carried out only while they fit.

use airlock_testkit::rpms::Rpm;

use super::{Machine, with};

const ALPHA: &str = "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.1-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>";

fn planned() -> Machine {
    let machine = Machine::new(&["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]);
    machine.declare(ALPHA);
    let arguments = with(&["-r", "packages", "-o", "plan.json", "--detailed-exitcode"]);
    let ran = machine.run("plan", &arguments);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("upgrade alpha-1.1-1.noarch from ")
            && ran
                .stdout
                .contains(": alpha-1.0-1.noarch is installed instead\n")
            && ran
                .stdout
                .contains("remove gamma-1.0-1.noarch: it is installed and no entry declares it\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]
    );
    machine
}

#[test]
fn a_plan_is_carried_out_as_it_says_and_once_only() {
    let machine = planned();
    let ran = machine.run("apply", &with(&["--plan", "plan.json"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.1-1.noarch"]);
    let again = machine.run("apply", &with(&["--plan", "plan.json"]));
    assert_eq!(again.code, 1);
    assert!(
        again
            .stderr
            .contains("what is installed changed since the plan was made"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_dry_run_of_a_plan_changes_nothing_and_a_plan_made_with_it_is_whole() {
    let machine = planned();
    let ran = machine.run("apply", &with(&["--plan", "plan.json", "-n"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]
    );
    let ran = machine.run("plan", &with(&["-r", "packages", "-n"]));
    assert!(ran.stdout.ends_with("2 actions\n"), "{}", ran.stdout);
}

#[test]
fn a_plan_for_other_entries_is_refused() {
    let machine = planned();
    machine.declare(&ALPHA.replace("1.1", "2.0"));
    let ran = machine.run("apply", &with(&["--plan", "plan.json"]));
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("the declared entries changed"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]
    );
}

#[test]
fn a_plan_that_somebody_changed_is_refused_whole() {
    let machine = planned();
    let text = std::fs::read_to_string(machine.at("plan.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut more = plan.clone();
    let mut action = plan["actions"][0].clone();
    action["name"] = "beta".into();
    more["actions"].as_array_mut().unwrap().push(action);
    let mut less = plan.clone();
    less["actions"].as_array_mut().unwrap().pop();
    let mut other = plan;
    other["actions"][0]["version"] = "2.0".into();
    for edited in [more, less, other] {
        machine.write("edited.json", &edited.to_string());
        let ran = machine.run("apply", &with(&["--plan", "edited.json"]));
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        let said = "edited.json is not as it was made; nothing was done";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]
    );
}

#[test]
fn a_plan_takes_the_place_of_no_other_file() {
    let machine = planned();
    let before = std::fs::read_to_string(machine.at("entries.xml")).unwrap();
    let ran = machine.run("plan", &with(&["-o", "entries.xml"]));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let said = "entries.xml is there and is no plan; nothing is written over it";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let ran = machine.run("apply", &with(&["--plan", "entries.xml"]));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("make one with: airlock-agent packages plan -o FILE"),
        "{}",
        ran.stderr
    );
    let after = std::fs::read_to_string(machine.at("entries.xml")).unwrap();
    assert_eq!(after, before);
    // An older plan is nothing that anybody misses.
    let ran = machine.run("plan", &with(&["-o", "plan.json"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_plan_lists_what_is_extra_when_asked() {
    let machine = Machine::new(&["alpha-1.1-1.noarch", "gamma-1.0-1.noarch"]);
    machine.declare(ALPHA);
    let ran = machine.run("plan", &with(&["-e"]));
    assert_eq!(ran.stdout, "extra: gamma-1.0-1.noarch\n0 actions\n");
}

#[test]
fn nothing_to_do_is_said_by_the_exit_status() {
    let machine = Machine::new(&["alpha-1.1-1.noarch"]);
    machine.declare(ALPHA);
    let ran = machine.run("plan", &with(&["--detailed-exitcode"]));
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "0 actions\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_plan_tells_of_each_entry_why_it_stays_bad() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare("<Package name='alpha' type='rpm' uri='URI'><Instance version='1.1' release='1'/></Package>");
    let ran = machine.run("plan", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let said = "incomplete information for an Instance of Package:alpha (line 1)";
    assert_eq!(ran.stdout.matches(said).count(), 1, "{}", ran.stdout);
}

#[test]
fn a_plan_is_stale_when_a_file_that_was_not_there_takes_something_away() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let old = Rpm::new("old", "1", "1").arch("noarch");
    machine.install(&old.write_to(machine.folder.path()));
    let taker = Rpm::new("taker", "1", "1").arch("noarch").obsoletes("old");
    let folder = machine.at("later");
    std::fs::create_dir(&folder).unwrap();
    machine.declare(&format!(
        "<Package name='taker' type='rpm' uri='{}'><Instance simplefile='{}' version='1' release='1' arch='noarch'/></Package>",
        folder.display(),
        taker.file_name()
    ));
    let ran = machine.run("plan", &with(&["-o", "plan.json"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stdout.contains("old-1-1"), "{}", ran.stdout);
    taker.write_to(&folder);
    let before = machine.installed();
    for force in [&[][..], &["--force"]] {
        let more: Vec<&str> = ["--plan", "plan.json"]
            .iter()
            .chain(force)
            .copied()
            .collect();
        let ran = machine.run("apply", &with(&more));
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        let said = "old-1-1.noarch would be removed, of which the plan does not speak";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        assert_eq!(machine.installed(), before);
    }
}
