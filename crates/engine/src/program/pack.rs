//! Packed forms of weights: made from Keras's layout for one use, kept until the weight changes.

use crate::cell::Planes;
use crate::tensor::{Buffer, Shape, Slab, Tensors, Type};
#[cfg(feature = "full")]
use layer_rnn_kernels::pack::pack_gates_turned;
use layer_rnn_kernels::pack::{pack, pack_gates, packed_len, padded};

/// What a weight is packed for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Role {
    /// A matrix product.
    Matrix { transposed: bool },
    /// A cell's kernel `[k, gates·units]`: planes of padded units.
    Gates { units: u32, gates: u32, planes: Planes },
    /// Such a kernel turned, `[planes, k]`: what the gradient of z is multiplied with.
    #[cfg(feature = "full")]
    GatesTurned { units: u32, gates: u32, planes: Planes },
    /// A cell's bias `[gates·units]` in the same planes.
    Bias { units: u32, planes: Planes },
    /// A reset-after GRU's bias `[2, 3·units]` where the chains start: h alone, z and r summed (planes h z r).
    SummedBias { units: u32 },
    /// The recurrent half of that bias for the candidate.
    RecurrentCandidateBias { units: u32 },
}

/// A packed form and the version of the weight that it was made from.
pub(crate) struct Pack {
    pub tensor: u32,
    pub role: Role,
    /// As what the weight is read: perhaps in another shape than its own.
    pub ty: Type,
    pub buffer: Buffer,
    pub version: Option<u32>,
}

/// All packed forms.
pub(crate) type Packs = Slab<Pack>;

impl Role {
    /// Words of the packed form of a bound value.
    pub fn words(self, ty: &Type) -> usize {
        let plane = |units: u32| padded(units as usize);
        match self {
            Role::Matrix { transposed } => {
                let (k, n) = matrix(&ty.shape, transposed);
                packed_len(k, n)
            }
            Role::Gates { units, gates, planes } => {
                packed_len(ty.shape.size(0), planes.gates(gates as usize).len() * plane(units))
            }
            #[cfg(feature = "full")]
            Role::GatesTurned { units, gates, planes } => {
                packed_len(planes.gates(gates as usize).len() * plane(units), ty.shape.size(0))
            }
            Role::Bias { units, planes } => {
                planes.gates(ty.shape.size(0) / units as usize).len() * plane(units)
            }
            Role::SummedBias { units } => 3 * plane(units),
            Role::RecurrentCandidateBias { units } => plane(units),
        }
    }

    /// Writes the packed form.
    pub fn pack(self, from: &[f32], ty: &Type, to: &mut [f32]) {
        match self {
            Role::Matrix { transposed } => {
                let (k, n) = matrix(&ty.shape, transposed);
                let (k_stride, n_stride) = if transposed { (1, k) } else { (n, 1) };
                pack(from, k, n, k_stride, n_stride, to);
            }
            Role::Gates { units, gates, planes } => {
                let (units, gates) = (units as usize, gates as usize);
                pack_gates(from, ty.shape.size(0), units, gates, planes.gates(gates), to);
            }
            #[cfg(feature = "full")]
            Role::GatesTurned { units, gates, planes } => {
                let (units, gates) = (units as usize, gates as usize);
                pack_gates_turned(from, ty.shape.size(0), units, gates, planes.gates(gates), to);
            }
            Role::Bias { units, planes } => {
                let units = units as usize;
                let gates = planes.gates(ty.shape.size(0) / units);
                for (plane, &gate) in to.chunks_exact_mut(padded(units)).zip(gates) {
                    fill(plane, units, |u| from[gate * units + u]);
                }
            }
            Role::SummedBias { units } => {
                let units = units as usize;
                for (plane, gate) in to.chunks_exact_mut(padded(units)).zip([2, 0, 1]) {
                    let input = |u| from[gate * units + u];
                    let recurrent = |u| from[(3 + gate) * units + u];
                    fill(plane, units, |u| if gate == 2 { input(u) } else { input(u) + recurrent(u) });
                }
            }
            Role::RecurrentCandidateBias { units } => {
                let units = units as usize;
                fill(to, units, |u| from[5 * units + u]);
            }
        }
    }
}

fn fill(plane: &mut [f32], units: usize, value: impl Fn(usize) -> f32) {
    for (u, to) in plane.iter_mut().enumerate() {
        *to = if u < units { value(u) } else { 0.0 };
    }
}

fn matrix(shape: &Shape, transposed: bool) -> (usize, usize) {
    let (rows, columns) = (shape.size(0), shape.size(1));
    if transposed { (columns, rows) } else { (rows, columns) }
}

impl Pack {
    /// Packs again if the weight has changed since.
    pub fn refresh(&mut self, tensors: &Tensors) -> crate::Result<()> {
        let tensor = tensors.get(self.tensor)?;
        if self.version != Some(tensor.version) {
            self.role.pack(tensor.buffer.f32(), &self.ty, self.buffer.f32_mut());
            self.version = Some(tensor.version);
        }
        Ok(())
    }
}
