//! Alerts the operator once a day while the disk is nearly full.

use crate::context::Ctx;
use crate::domain::disk_space::DiskSpace;
use crate::domain::operator_alert::OperatorAlert;
use crate::gateway::Operator;
use crate::store::StoreError;

/// Checks the disk that the database is on. Returns whether it is nearly full.
pub async fn run(ctx: &Ctx) -> Result<bool, StoreError> {
    match ctx.db.disk_space() {
        Some(room) => check(ctx, room).await,
        None => Ok(false),
    }
}

/// Alerts the operator if there is too little space.
pub async fn check(ctx: &Ctx, room: DiskSpace) -> Result<bool, StoreError> {
    if !room.is_nearly_full() {
        return Ok(false);
    }
    tracing::warn!(free_mb = room.free / 1_000_000, "the disk of the database is nearly full");
    let operator = Operator::at(ctx.operator.as_ref());
    ctx.db
        .write("enqueue disk alert", move |tx| {
            operator.enqueue_alert(tx, OperatorAlert::DiskNearlyFull)
        })
        .await?;
    Ok(true)
}
