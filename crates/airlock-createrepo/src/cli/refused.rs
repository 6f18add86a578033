//! Options of createrepo_c for what is not made here. They are known so that the answer can say what to do instead.

use std::path::PathBuf;

/// The options that are refused.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Refused {
    /// Refused: SQLite files are not made
    #[arg(short, long)]
    database: bool,
    #[arg(long, hide = true)]
    zck: bool,
    #[arg(long, hide = true)]
    zck_dict_dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    deltas: bool,
    #[arg(long, hide = true)]
    num_deltas: Option<u64>,
    #[arg(long, hide = true)]
    max_delta_rpm_size: Option<u64>,
    #[arg(long, hide = true)]
    oldpackagedirs: Vec<PathBuf>,
    #[arg(long, hide = true)]
    ignore_lock: bool,
}

impl Refused {
    /// For the first refused option that was given: its name and what to do instead.
    pub(super) fn answer(&self) -> Option<&'static str> {
        let zck = self.zck || self.zck_dict_dir.is_some();
        let deltas = self.deltas
            || self.num_deltas.is_some()
            || self.max_delta_rpm_size.is_some()
            || !self.oldpackagedirs.is_empty();
        let answers = [
            (
                self.database,
                "--database: SQLite files are not made; leave it out, dnf and zypper read the XML",
            ),
            (
                zck,
                "--zck: zchunk files are not made; leave it out, every client that reads zchunk reads zstd, the \
                 default (--general-compress-type zstd)",
            ),
            (
                deltas,
                "--deltas: delta packages are not made; leave it and --num-deltas, --max-delta-rpm-size and \
                 --oldpackagedirs out, clients then download whole packages",
            ),
            (
                self.ignore_lock,
                "--ignore-lock: a lock is never ignored; what a killed run of ours left behind is taken over anyway, \
                 and a .repodata of createrepo_c can be removed when no createrepo_c runs",
            ),
        ];
        answers
            .into_iter()
            .find_map(|(given, answer)| given.then_some(answer))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use crate::cli::Args;

    #[test]
    fn the_answer_names_the_option_and_what_to_do_instead() {
        for (words, instead) in [
            (&["--database"][..], "read the XML"),
            (&["--zck"], "--general-compress-type zstd"),
            (&["--deltas"], "whole packages"),
            (&["--ignore-lock"], ".repodata"),
        ] {
            let words = [&["createrepo_c"], words, &["folder"]].concat();
            let args = Args::try_parse_from(&words).unwrap();
            let answer = args.refused.answer().unwrap();
            assert!(answer.starts_with(words[1]), "{answer}");
            assert!(answer.contains(instead), "{answer}");
        }
        let args = Args::try_parse_from(["createrepo_c", "--zck-dict-dir", "x", "folder"]).unwrap();
        assert!(args.refused.answer().is_some());
        let args = Args::try_parse_from(["createrepo_c", "folder"]).unwrap();
        assert_eq!(args.refused.answer(), None);
    }
}
