//! One suite that every engine passes: the seam (statements, transactions, appends, publishing, stopping),
//! loads row by row and id by id, each point of the contract, each question of the catalogue, and the
//! command line. What is true of one engine only is tested beside it (`postgres/`, `redshift/`, and in its
//! module).
//!
//! No test here may rely on an error of a constraint: Redshift enforces none.

/// Makes a test for each engine of async functions that take an [`Engine`].
macro_rules! on_every_engine {
    ($($name:ident,)+) => {
        mod duckdb {
            $(on_every_engine!(@ DuckDb $name);)+
        }
        mod postgres {
            $(on_every_engine!(@ Postgres $name);)+
        }
        mod redshift {
            $(on_every_engine!(@ Redshift $name);)+
        }
    };
    (also on $engine:ident as $module:ident: $($name:ident,)+) => {
        mod $module {
            $(on_every_engine!(@ $engine $name);)+
        }
    };
    (@ $engine:ident $name:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            super::$name($crate::conformance::Engine::$engine).await;
        }
    };
}

mod append;
pub(crate) mod command_line;
mod contract;
mod engine;
mod loads;
mod quality;
mod session;
mod statements;
mod traps;

pub(crate) use engine::{CommandLine, Database, Engine, batch_tables};
