//! Section "fake": `source*.json` read by the fake backend gives `print*.json`.

use airlock_virt_who::backend::{gather, kind};
use airlock_virt_who::model::json::{Form, Printed};
use airlock_virt_who::settings::Settings;

use super::{Folder, Outcome, equal, read_json, say};

pub async fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let Some(inside) = folder.inside("fake") else {
        return Vec::new();
    };
    let mut names: Vec<String> = std::fs::read_dir(&inside)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().ok()?;
            let tail = name.strip_prefix("source")?.strip_suffix(".json")?;
            Some(tail.to_owned())
        })
        .collect();
    names.sort();
    let mut outcomes = Vec::new();
    for tail in names {
        let print = inside.join(format!("print{tail}.json"));
        if !print.is_file() {
            say(&format!(
                "skipped: fake/source{tail} has no print{tail}.json"
            ));
            continue;
        }
        let name = format!("fake/print{tail}");
        let result = async {
            let expected = folder.deviations.apply(&name, read_json(&print).unwrap());
            let mut settings = Settings::new("fake", "");
            let file = inside.join(format!("source{tail}.json"));
            let local = tail.contains("local");
            settings.options = [
                ("file".to_owned(), file.display().to_string()),
                ("is_hypervisor".to_owned(), (!local).to_string()),
            ]
            .into();
            let mut backend = kind("fake").unwrap().open(settings).unwrap();
            let (report, _) = gather(&mut *backend)
                .await
                .map_err(|error| error.to_string())?;
            equal::compare(
                expected,
                serde_json::to_value(Printed(&[report], Form::New)).unwrap(),
            )
        };
        outcomes.push(super::case(name.clone(), result).await);
    }
    outcomes
}
