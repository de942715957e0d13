//! Commands of the user's in a run: whether they can run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::RunError;
use crate::launch::command::{Machine, TrainerFault, check, fingerprint};
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Inputs, Launcher, Spec};
use focalsweep_engine::data::{Source, check_names};

/// Names of the trainers that the sweep's parameters name.
pub(super) fn named(spec: &Spec) -> BTreeSet<&str> {
    let commands = spec.parameters.spaces().iter().filter_map(|space| space.command.as_ref());
    commands.map(|command| command.trainer.as_str()).collect()
}

/// Whether the commands of a sweep can run here, or in tasks of a cluster, of which Slurm knows what they may ask for.
/// Gives their fingerprints.
///
/// # Errors
/// One cannot: there is no such program or file, or fewer cores or GPUs than it asks for; workers of another engine are
/// to run it.
pub(super) fn check_trainers(spec: &Spec, cluster: bool) -> Result<BTreeMap<String, String>, RunError> {
    let named = named(spec);
    if let Some(trainer) = named.first().filter(|_| cluster && spec.launch.launcher != Launcher::Slurm) {
        return Err(TrainerFault::OnCluster { trainer: (*trainer).to_owned() }.into());
    }
    let machine = (!named.is_empty() && !cluster).then(Machine::look);
    let mut fingerprints = BTreeMap::new();
    for (name, trainer) in spec.trainers.iter().filter(|(name, _)| named.contains(name.as_str())) {
        for (what, asked, there) in machine
            .iter()
            .flat_map(|machine| [("cpus", trainer.cpus, machine.cores), ("gpus", trainer.gpus, machine.gpus.len())])
        {
            if asked as usize > there {
                return Err(TrainerFault::TooMany { trainer: name.clone(), what, asked, there }.into());
            }
        }
        check(name, trainer)?;
        fingerprints.insert(name.clone(), fingerprint(name, trainer)?);
    }
    Ok(fingerprints)
}

/// Whether the files of the commands of a sweep have columns of different names.
///
/// # Errors
/// They do not.
pub(super) fn check_columns(spec: &Spec, source: &Source, replicates: &[Arc<Replicate>]) -> Result<(), RunError> {
    let named = named(spec);
    let inputs = spec.trainers.iter().filter(|(name, _)| named.contains(name.as_str()));
    let inputs: BTreeSet<bool> = inputs.map(|(_, trainer)| trainer.inputs == Inputs::Prepared).collect();
    for (prepared, replicate) in inputs.into_iter().zip(replicates.iter().cycle()) {
        let inputs = if prepared { Inputs::Prepared } else { Inputs::Raw };
        check_names(source, replicate, inputs).map_err(|taken| TrainerFault::NameTaken { name: taken.name })?;
    }
    Ok(())
}
