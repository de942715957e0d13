//! Prepared rows on a device: uploaded once for each replicate, shared by all stacks that train there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tch::{Device, TchError, Tensor};

use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_engine::train::Part;

/// The matrices that lie on a device. Memory: 4 bytes a value and a label, for each replicate that it has met.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<HashMap<u32, OnDevice>>);

/// A replicate on a device.
#[derive(Debug)]
pub(super) struct OnDevice {
    train: Matrix,
    validation: Matrix,
    test: Matrix,
    calibration: Matrix,
}

/// Rows on a device.
#[derive(Debug)]
pub(super) struct Matrix {
    /// `[rows, features]`.
    pub(super) x: Tensor,
    /// 0 or 1, `[rows]`.
    pub(super) y: Tensor,
    /// By how much each row counts in the loss, 1 on average, `[rows]`; `None`: once.
    pub(super) weight: Option<Tensor>,
}

impl Uploads {
    /// The rows of `data` on `device`: handles on what is there, or uploaded now.
    ///
    /// # Errors
    /// The device has no room, or is gone.
    pub(super) fn rows_of(&self, data: &Replicate, device: Device) -> Result<OnDevice, TchError> {
        let mut there = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = there.get(&data.index) {
            return Ok(rows.handles());
        }
        let rows = OnDevice::new(data, device)?;
        let handles = rows.handles();
        there.insert(data.index, rows);
        Ok(handles)
    }

    /// Lets go of what lies on the device, after it ran out of memory. Stacks that train go on with theirs.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl OnDevice {
    /// Copies `data` to `device`.
    pub(super) fn new(data: &Replicate, device: Device) -> Result<Self, TchError> {
        let matrix = |rows: &Rows| Matrix::new(rows, data.features.len(), device);
        Ok(Self {
            train: matrix(&data.train)?,
            validation: matrix(&data.validation)?,
            test: matrix(&data.test)?,
            calibration: matrix(&data.calibration)?,
        })
    }

    /// The training rows with `more` behind them.
    pub(super) fn train_and(&self, more: &Rows, features: usize) -> Result<Matrix, TchError> {
        if more.is_empty() {
            return Ok(self.train.handles());
        }
        let more = Matrix::new(more, features, self.train.x.device())?;
        // Rows are not made of rows that have weights.
        Ok(Matrix {
            x: Tensor::f_cat(&[&self.train.x, &more.x], 0)?,
            y: Tensor::f_cat(&[&self.train.y, &more.y], 0)?,
            weight: None,
        })
    }

    pub(super) fn part(&self, part: Part) -> &Matrix {
        match part {
            Part::Train => &self.train,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
            Part::Calibration => &self.calibration,
        }
    }

    /// Other handles on the same memory.
    pub(super) fn handles(&self) -> Self {
        Self {
            train: self.train.handles(),
            validation: self.validation.handles(),
            test: self.test.handles(),
            calibration: self.calibration.handles(),
        }
    }
}

impl Matrix {
    fn new(rows: &Rows, features: usize, device: Device) -> Result<Self, TchError> {
        let y: Vec<f32> = rows.y.iter().map(|&y| f32::from(y)).collect();
        Ok(Self {
            x: Tensor::f_from_slice(&rows.x)?.f_view([rows.len() as i64, features as i64])?.f_to_device(device)?,
            y: Tensor::f_from_slice(&y)?.f_to_device(device)?,
            weight: if rows.weights.is_empty() {
                None
            } else {
                Some(Tensor::f_from_slice(&rows.loss_weights())?.f_to_device(device)?)
            },
        })
    }

    pub(super) fn handles(&self) -> Self {
        let weight = self.weight.as_ref().map(Tensor::shallow_clone);
        Self { x: self.x.shallow_clone(), y: self.y.shallow_clone(), weight }
    }
}
