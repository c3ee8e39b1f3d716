//! The namespace of Serverless: data, users and roles.

use super::{Differences, cluster_diff::PASSWORD, conflict};
use crate::{
    deployment::Deployment,
    error::{During, Error, Result},
    pace::{Look, Subject},
    plan::{ResourceKind, Step},
    readiness::{self, Readiness},
    services::{ErrorKind, FinalSnapshot, Namespace, NewNamespace},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::Namespace;
const FIXED: &str =
    "it is fixed when a namespace is made: make a new deployment, or correct the configuration";

impl Deployment {
    pub(crate) async fn read_namespace(&self, name: &str) -> Result<Option<Namespace>> {
        self.insist(Subject::new(KIND, name), &[], || self.services.serverless.namespace(name))
            .await
            .during(format!("reading the namespace {name}"))
    }

    pub(crate) fn namespace_step(&self, around: &Surroundings, current: Option<&Namespace>) -> Step {
        let name = around.names.namespace.as_str();
        let config = &self.config;
        let Some(namespace) = current else { return self.new_namespace(None) };
        if !self.owns(&namespace.tags) {
            return conflict(KIND, name);
        }
        let readiness = readiness::of_namespace(namespace);
        if let Readiness::Deleting(_) = readiness {
            return self
                .new_namespace(Some("an earlier one of this name is still being deleted; it is waited for"));
        }
        let mut differences = Differences::default();
        if let Some(current) = namespace.database.as_ref().filter(|current| **current != config.database) {
            differences.shown("database", current, &config.database, FIXED);
        }
        if let Some(current) = namespace.admin_user.as_ref().filter(|current| **current != config.admin_user)
        {
            differences.shown("administrator", current, &config.admin_user, FIXED);
        }
        if namespace.admin_secret_arn.is_none() {
            let why = "a new password would lock out who knows the old one: do it yourself (aws redshift-serverless \
                       update-namespace --manage-admin-password)";
            differences.shown(PASSWORD, "kept by nobody we know of", "kept by Secrets Manager", why);
        }
        let wanted = around.role_arn();
        if !namespace.roles.iter().any(|role| role.arn == wanted) {
            differences.push("role", None, Some(wanted.clone()), None);
        }
        if let Some(current) = namespace.default_role_arn.as_ref().filter(|current| **current != wanted) {
            differences.changed("default role", current, &wanted);
        }
        for role in namespace.roles.iter().filter(|role| role.arn != wanted) {
            let why = "somebody attached it, maybe for other data: detach it yourself if nobody needs it";
            differences.push("further role", Some(role.arn.clone()), None, Some(why.to_owned()));
        }
        differences.tags(&namespace.tags, &around.tags);
        let mut step = differences.into_step(KIND, name);
        if let Readiness::Pending(state) = readiness {
            step.note = Some(format!("it is not ready yet ({state}); it is waited for"));
        }
        step
    }

    fn new_namespace(&self, note: Option<&str>) -> Step {
        let mut differences = Differences::default();
        differences.of_new("database", &self.config.database);
        differences.of_new("administrator", &self.config.admin_user);
        differences.of_new(PASSWORD, "kept by Secrets Manager");
        differences.into_creation(KIND, &self.config.names().namespace, note.map(str::to_owned))
    }

    pub(crate) async fn create_namespace(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.namespace.as_str();
        let subject = Subject::new(KIND, name);
        self.wait_for(subject, "gone", || async {
            Ok(match self.read_namespace(name).await? {
                Some(namespace) if matches!(readiness::of_namespace(&namespace), Readiness::Deleting(_)) => {
                    Look::Pending(namespace.status)
                }
                _ => Look::Done(()),
            })
        })
        .await?;
        let namespace = NewNamespace {
            name: name.to_owned(),
            database: self.config.database.clone(),
            admin_user: self.config.admin_user.clone(),
            role_arn: around.role_arn(),
            tags: around.tags.clone(),
        };
        let kinds = [ErrorKind::RoleNotReady, ErrorKind::InvalidState];
        match self.insist(subject, &kinds, || self.services.serverless.create_namespace(&namespace)).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => self
                .adopt(subject, || self.read_namespace(name), |namespace| &namespace.tags)
                .await
                .map(|_| ()),
            made => made.during(format!("creating the namespace {name}")),
        }
    }

    pub(crate) async fn settle_namespace(&self, name: &str) -> Result<Namespace> {
        self.settle_namespace_as(name, None).await
    }

    /// The same, and with that role in force.
    pub(crate) async fn settle_namespace_with(&self, name: &str, role: &str) -> Result<Namespace> {
        self.settle_namespace_as(name, Some(role)).await
    }

    async fn settle_namespace_as(&self, name: &str, role: Option<&str>) -> Result<Namespace> {
        self.wait_for(Subject::new(KIND, name), "ready", || async {
            let Some(namespace) = self.read_namespace(name).await? else {
                return Ok(Look::Pending("not visible yet".to_owned()));
            };
            let look = readiness::of_namespace(&namespace).settled(KIND, name)?;
            if let Look::Done(_) = look
                && let Some(lacks) = role.and_then(|role| readiness::lacks(&namespace.roles, role))
            {
                return Ok(Look::Pending(format!("{}, {lacks}", namespace.status)));
            }
            Ok(look.map(|_| namespace))
        })
        .await
    }

    pub(crate) async fn change_namespace(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.namespace.as_str();
        let subject = Subject::new(KIND, name);
        let serverless = &self.services.serverless;
        let namespace = self.settle_namespace(name).await?;
        let wanted = around.role_arn();
        let lacks = !namespace.roles.iter().any(|role| role.arn == wanted);
        if lacks || namespace.default_role_arn.as_ref().is_some_and(|current| *current != wanted) {
            let mut roles: Vec<_> = namespace.roles.iter().map(|role| role.arn.clone()).collect();
            if lacks {
                roles.push(wanted.clone());
            }
            let kinds = [ErrorKind::RoleNotReady, ErrorKind::InvalidState];
            self.insist(subject, &kinds, || serverless.set_roles(name, &roles, &wanted))
                .await
                .during(format!("attaching the role to the namespace {name}"))?;
        }
        self.insist(subject, &[], || serverless.tag_resource(&namespace.arn, &around.tags))
            .await
            .during(format!("tagging the namespace {name}"))?;
        self.wait_for(subject, "changed", || async {
            let namespace = self.settle_namespace(name).await?;
            if namespace.roles.iter().any(|role| role.arn == wanted) {
                return Ok(Look::Done(()));
            }
            Ok(Look::Pending(format!("{}, changes not visible yet", namespace.status)))
        })
        .await
    }

    /// Deletes the namespace, whose workgroup is gone, and waits until it is gone.
    pub(crate) async fn delete_namespace(&self, name: &str, snapshot: Option<&FinalSnapshot>) -> Result<()> {
        let subject = Subject::new(KIND, name);
        self.wait_for(subject, "free for another operation", || async {
            let request = || self.services.serverless.delete_namespace(name, snapshot.cloned());
            let error = match self.insist(subject, &[], request).await {
                Ok(()) => return Ok(Look::Done(())),
                Err(error) => error,
            };
            let busy =
                matches!(error.kind, ErrorKind::InvalidState | ErrorKind::InUse | ErrorKind::AlreadyExists);
            match self.read_namespace(name).await? {
                None => Ok(Look::Done(())),
                Some(namespace) if matches!(readiness::of_namespace(&namespace), Readiness::Deleting(_)) => {
                    Ok(Look::Done(()))
                }
                Some(namespace) if busy => Ok(Look::Pending(namespace.status)),
                Some(_) => {
                    Err(Error::Service { action: format!("deleting the namespace {name}"), source: error })
                }
            }
        })
        .await?;
        self.wait_for(subject, "gone", || async {
            Ok(self.read_namespace(name).await?.map_or(Look::Done(()), |found| Look::Pending(found.status)))
        })
        .await
    }
}
