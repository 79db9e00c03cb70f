//! What services and containers are called: an id that stays the same when one is made anew, where anything
//! tells it, and a title.

use super::path::{Tenant, UNKNOWN_ENGINE};
use super::records;
use super::tree::Found;
use crate::model::label;
use crate::server::sampler::linux::Roots;
use std::collections::{HashMap, HashSet};

/// As much of a container's id as its engine shows.
const SHORT_ID: usize = 12;
/// As much of a pod's uid.
const SHORT_UID: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The middle of the ids of its families.
    pub id: String,
    /// The beginning of their titles.
    pub title: String,
}

/// The names that were found out so far.
pub struct Names {
    roots: Roots,
    /// By the id of the container: its engine, and what that calls it.
    containers: HashMap<String, (&'static str, String)>,
    users: HashMap<u32, Vec<u8>>,
    /// Pods of which a container's name is known.
    named_pods: HashSet<String>,
}

impl Names {
    pub fn new(roots: &Roots) -> Self {
        Self { roots: roots.clone(), containers: HashMap::new(), users: HashMap::new(), named_pods: HashSet::new() }
    }

    /// Looks for the names that are not known yet, and forgets those of containers that are gone.
    pub fn learn(&mut self, found: &[Found]) {
        let ids: HashSet<&str> = found.iter().filter_map(|found| id(&found.tenant)).collect();
        self.containers.retain(|id, _| ids.contains(id.as_str()));
        let (mut podman, mut kubernetes, mut users) = (None, None, None);
        for Found { tenant, .. } in found {
            match tenant {
                Tenant::Container { engine, id } if !self.containers.contains_key(id) => {
                    let docker = || Some(("docker", records::docker(&self.roots, id)?));
                    let mut podman = || {
                        let names = podman.get_or_insert_with(|| records::podman(&self.roots));
                        Some(("podman", names.remove(id)?))
                    };
                    let name = match *engine {
                        "docker" => docker(),
                        "podman" => podman(),
                        UNKNOWN_ENGINE => docker().or_else(podman),
                        _ => None,
                    };
                    self.containers.extend(name.map(|name| (id.clone(), name)));
                }
                Tenant::PodContainer { id, .. } if !self.containers.contains_key(id) => {
                    let names = kubernetes.get_or_insert_with(|| records::kubernetes(&self.roots));
                    self.containers.extend(names.remove(id).map(|name| (id.clone(), ("k8s", name))));
                }
                Tenant::User(user) | Tenant::UserService { user, .. } if !self.users.contains_key(user) => {
                    let names = users.get_or_insert_with(|| records::users(&self.roots));
                    self.users.extend(names.remove(user).map(|name| (*user, name)));
                }
                _ => {}
            }
        }
        self.named_pods = found.iter().filter_map(|found| self.named_pod(&found.tenant)).collect();
    }

    /// `None` for what is not worth a name: the container that only holds its pod together.
    pub fn of(&self, tenant: &Tenant) -> Option<Name> {
        let (kind, prefix, name) = match tenant {
            Tenant::Service(unit) => ("Service", String::new(), unit.clone()),
            Tenant::UserService { user, unit } => {
                let user = self.user(*user);
                return Some(Name {
                    id: label::id_part(&[b"user:", user.as_slice(), b"/", unit].concat()),
                    title: format!("Service {} of {}", label::text(unit), label::text(&user)),
                });
            }
            Tenant::User(user) => ("User", "user:".to_owned(), self.user(*user)),
            Tenant::VirtualMachine(name) => ("Virtual machine", "vm:".to_owned(), name.clone()),
            Tenant::NamedContainer { engine, name } => ("Container", format!("{engine}:"), name.clone()),
            Tenant::Container { engine, id } => {
                let short = || (*engine, first(id, SHORT_ID).to_owned());
                let (engine, name) = self.containers.get(id).cloned().unwrap_or_else(short);
                ("Container", format!("{engine}:"), name.into_bytes())
            }
            Tenant::PodContainer { pod, id } => {
                let name = match self.containers.get(id) {
                    Some((_, name)) => name.clone(),
                    None if self.named_pods.contains(pod) => return None,
                    None => format!("{}/{}", first(pod, SHORT_UID), first(id, SHORT_ID)),
                };
                ("Container", "k8s:".to_owned(), name.into_bytes())
            }
        };
        let title = format!("{kind} {}", label::text(&name));
        Some(Name { id: label::id_part(&[prefix.as_bytes(), &name].concat()), title })
    }

    fn user(&self, user: u32) -> Vec<u8> {
        self.users.get(&user).cloned().unwrap_or_else(|| user.to_string().into_bytes())
    }

    fn named_pod(&self, tenant: &Tenant) -> Option<String> {
        match tenant {
            Tenant::PodContainer { pod, id } if self.containers.contains_key(id) => Some(pod.clone()),
            _ => None,
        }
    }
}

fn id(tenant: &Tenant) -> Option<&str> {
    match tenant {
        Tenant::Container { id, .. } | Tenant::PodContainer { id, .. } => Some(id),
        _ => None,
    }
}

fn first(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text)
}
