//! Prepared rows on GPUs: uploaded once for each device and replicate, shared by all stacks that train there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tch::{Device, TchError, Tensor};

use super::backend::Part;
use crate::data::{Replicate, Rows};

/// The matrices that lie on GPUs. Memory: 4 bytes a value and a label, for each replicate that a device has met.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<HashMap<(usize, u32), OnDevice>>);

/// A replicate on a device.
#[derive(Debug)]
pub(super) struct OnDevice {
    train: Matrix,
    validation: Matrix,
    test: Matrix,
}

/// Rows on a device.
#[derive(Debug)]
pub(super) struct Matrix {
    /// `[rows, features]`.
    pub(super) x: Tensor,
    /// 0 or 1, `[rows]`.
    pub(super) y: Tensor,
}

impl Uploads {
    /// The rows of `data` on `device`: handles on what is there, or uploaded now.
    ///
    /// # Errors
    /// The device has no room, or is gone.
    pub(super) fn of(&self, data: &Replicate, device: Device) -> Result<OnDevice, TchError> {
        let Device::Cuda(index) = device else { return OnDevice::new(data, device) };
        let mut there = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = there.get(&(index, data.index)) {
            return Ok(rows.handles());
        }
        let rows = OnDevice::new(data, device)?;
        let handles = rows.handles();
        there.insert((index, data.index), rows);
        Ok(handles)
    }

    /// Lets go of what lies on `device`, after it ran out of memory or was lost. Stacks that train go on with theirs.
    pub fn forget(&self, device: Device) {
        if let Device::Cuda(index) = device {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(on, _), _| *on != index);
        }
    }
}

impl OnDevice {
    /// Copies `data` to `device`.
    pub(super) fn new(data: &Replicate, device: Device) -> Result<Self, TchError> {
        let matrix = |rows: &Rows| Matrix::new(rows, data.features.len(), device);
        Ok(Self { train: matrix(&data.train)?, validation: matrix(&data.validation)?, test: matrix(&data.test)? })
    }

    pub(super) fn part(&self, part: Part) -> &Matrix {
        match part {
            Part::Train => &self.train,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
        }
    }

    /// Other handles on the same memory.
    pub(super) fn handles(&self) -> Self {
        Self { train: self.train.handles(), validation: self.validation.handles(), test: self.test.handles() }
    }
}

impl Matrix {
    fn new(rows: &Rows, features: usize, device: Device) -> Result<Self, TchError> {
        let y: Vec<f32> = rows.y.iter().map(|&y| f32::from(y)).collect();
        Ok(Self {
            x: Tensor::f_from_slice(&rows.x)?.f_view([-1, features as i64])?.f_to_device(device)?,
            y: Tensor::f_from_slice(&y)?.f_to_device(device)?,
        })
    }

    fn handles(&self) -> Self {
        Self { x: self.x.shallow_clone(), y: self.y.shallow_clone() }
    }
}
