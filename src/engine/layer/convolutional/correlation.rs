//! [`Correlation`]: the three products of a convolution, of a few images at a time.

use super::{Frame, Window};
use crate::engine::{
    kernel::{self, Gathered, Matrix, MatrixMut, Team},
    real::Real,
};

/// Positions that one product goes over, so that its right operand is brought into order once for many.
const POSITIONS: usize = 512;
/// Elements of a few images that stay in the L2 cache with the rest.
const SECOND_LEVEL_CELLS: usize = 1 << 17;
/// Elements of patches that stay there on their way to an image.
const PATCH_CELLS: usize = 1 << 14;

/// Sums of images under the taps of a kernel `[taps, channels / groups, filters]`, which give `filters` elements at each
/// position; the channels and the filters of a group belong together.
///
/// No patch is copied: products gather the elements of the left operand where [`Self::tables`] say. Where strides are 1, the
/// way back to the images is such a product as well; else patches are added to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Correlation {
    pub window: Window,
    pub channels: usize,
    pub filters: usize,
    pub groups: usize,
}

/// Where elements are, by table.
const POSITIONS_OF_PATCHES: usize = 0;
const CELLS_OF_A_PATCH: usize = 1;
const POSITIONS_OF_GRADIENTS: usize = 2;
const CELLS_OF_A_GRADIENT: usize = 3;

/// Memory to work in.
#[derive(Debug)]
pub(crate) struct Rooms<'a, F> {
    images: &'a mut [F],
    gradients: &'a mut [F],
    patches: &'a mut [F],
    kernel: &'a mut [F],
}

impl Correlation {
    /// Images that are worked on together.
    pub fn images(&self) -> usize {
        let cells = self.window.frame().positions() * self.channels.max(self.filters);
        (POSITIONS / self.window.outputs()).min(SECOND_LEVEL_CELLS / cells).max(1)
    }

    /// Elements of an image without its padding.
    pub fn image_cells(&self) -> usize {
        self.window.inputs() * self.channels
    }

    /// Positions of an output.
    pub fn outputs(&self) -> usize {
        self.window.outputs()
    }

    /// Elements of an output.
    pub fn output_elements(&self) -> usize {
        self.window.outputs() * self.filters
    }

    /// Multiplications and additions of an image.
    pub fn cost(&self) -> u64 {
        2 * (self.patch_cells() as u64).saturating_mul(self.output_elements() as u64)
    }

    fn kernel_cells(&self) -> usize {
        self.patch_cells() * self.filters
    }

    /// Elements that a filter sees of a position.
    fn patch_cells(&self) -> usize {
        self.window.taps() * self.channels / self.groups
    }

    fn gathers_back(&self) -> bool {
        self.window.axes.iter().all(|axis| axis.stride == 1)
    }

    /// The output in a frame so wide that every element of an image has all the outputs it went into.
    fn gradient_frame(&self) -> Frame {
        let axes = self.window.axes;
        let outer = axes.map(|axis| axis.input + axis.reach() - 1);
        let before = axes.map(|axis| axis.reach() - 1 - axis.before);
        Frame { inner: axes.map(|axis| axis.output), outer, before }
    }

    /// Elements of [`Self::rooms`].
    pub fn scratch(&self) -> usize {
        self.room_cells().iter().sum()
    }

    fn room_cells(&self) -> [usize; 4] {
        let frame = self.window.frame();
        let images = if frame.is_bare() { 0 } else { self.images() * frame.positions() * self.channels };
        let (gradients, patches) = if self.gathers_back() {
            (self.images() * self.gradient_frame().positions() * self.filters, 0)
        } else {
            (0, self.patch_rows() * self.patch_cells())
        };
        [images, gradients, patches, self.kernel_cells()]
    }

    fn patch_rows(&self) -> usize {
        (PATCH_CELLS / self.patch_cells()).clamp(1, self.images() * self.window.outputs())
    }

    /// Cuts `scratch` into rooms.
    pub fn rooms<'a, F>(&self, scratch: &'a mut [F]) -> Rooms<'a, F> {
        let [images, gradients, patches, kernel] = self.room_cells();
        let (images, rest) = scratch.split_at_mut(images);
        let (gradients, rest) = rest.split_at_mut(gradients);
        let (patches, rest) = rest.split_at_mut(patches);
        Rooms { images, gradients, patches, kernel: &mut rest[..kernel] }
    }

    /// Where patches begin in framed images and where the elements of one are, and the same for the way back.
    pub fn tables(&self) -> Vec<Vec<u32>> {
        let axes = self.window.axes;
        let frame = self.window.frame();
        let (channels, filters) = (self.channels / self.groups, self.filters / self.groups);
        let (taps, strides, dilation) =
            (axes.map(|axis| axis.taps), axes.map(|axis| axis.stride), axes.map(|axis| axis.dilation));
        let mut tables = vec![
            places(&frame, self.images(), axes.map(|axis| axis.output), strides, self.channels),
            within(&frame, taps, |tap, axis| tap * dilation[axis], self.channels, channels),
        ];
        if self.gathers_back() {
            let frame = self.gradient_frame();
            let back = |tap: usize, axis: usize| (taps[axis] - 1 - tap) * dilation[axis];
            tables.push(places(&frame, self.images(), axes.map(|axis| axis.input), [1; 3], self.filters));
            tables.push(within(&frame, taps, back, self.filters, filters));
        }
        tables
    }

    /// How many tables [`Self::tables`] makes.
    pub fn table_count(&self) -> usize {
        if self.gathers_back() { 4 } else { 2 }
    }

    /// `images` with their padding.
    fn framed<'a, F: Real>(&self, images: &'a [F], room: &'a mut [F]) -> &'a [F] {
        let frame = self.window.frame();
        if frame.is_bare() {
            return images;
        }
        frame.put(images, self.channels, 1, room);
        room
    }

    /// Writes `output` from `images`: at most as many as [`Self::images`]. The team shares the positions.
    pub fn forward<F: Real>(
        &self,
        team: &Team,
        tables: &[Vec<u32>],
        images: &[F],
        weights: &[F],
        rooms: &mut Rooms<'_, F>,
        output: &mut [F],
    ) {
        let (channels, filters) = (self.channels / self.groups, self.filters / self.groups);
        let rows = output.len() / self.filters;
        let images = self.framed(images, rooms.images);
        for group in 0..self.groups {
            let positions = &tables[POSITIONS_OF_PATCHES][..rows];
            let patches = Gathered::new(&images[group * channels..], positions, &tables[CELLS_OF_A_PATCH]);
            let weights = &weights[group * filters..];
            let weights = Matrix::strided(weights, self.patch_cells(), filters, self.filters);
            let output = MatrixMut::strided(&mut output[group * filters..], rows, filters, self.filters);
            kernel::product_gathered_shared(team, patches, weights, output);
        }
    }

    /// Writes `output` as [`Self::forward`] does, or adds to what is there; only without groups.
    pub fn project<F: Real>(
        &self,
        tables: &[Vec<u32>],
        images: &[F],
        weights: &[F],
        rooms: &mut Rooms<'_, F>,
        output: &mut [F],
        accumulate: bool,
    ) {
        let rows = output.len() / self.filters;
        let images = self.framed(images, rooms.images);
        let positions = &tables[POSITIONS_OF_PATCHES][..rows];
        let patches = Gathered::new(images, positions, &tables[CELLS_OF_A_PATCH]);
        let output = MatrixMut::new(output, self.filters);
        kernel::product_gathered(patches, Matrix::new(weights, self.filters), output, accumulate);
    }

    /// Writes the gradient of the kernel, or adds it to what is there.
    pub fn kernel_gradient<F: Real>(
        &self,
        tables: &[Vec<u32>],
        images: &[F],
        output_gradient: &[F],
        rooms: &mut Rooms<'_, F>,
        gradient: &mut [F],
        accumulate: bool,
    ) {
        let (channels, filters) = (self.channels / self.groups, self.filters / self.groups);
        let rows = output_gradient.len() / self.filters;
        let images = self.framed(images, rooms.images);
        for group in 0..self.groups {
            let positions = &tables[POSITIONS_OF_PATCHES][..rows];
            let patches = Gathered::new(&images[group * channels..], positions, &tables[CELLS_OF_A_PATCH]);
            let dy = Matrix::strided(&output_gradient[group * filters..], rows, filters, self.filters);
            let gradient = &mut gradient[group * filters..];
            let gradient = MatrixMut::strided(gradient, self.patch_cells(), filters, self.filters);
            kernel::product_gathered(patches.transposed(), dy, gradient, accumulate);
        }
    }

    /// Brings the kernel into the order in which [`Self::back`] reads it.
    pub fn turn_kernel<F: Real>(&self, weights: &[F], rooms: &mut Rooms<'_, F>) {
        if !self.gathers_back() {
            return kernel::transpose(weights, self.filters, self.filters, rooms.kernel, self.patch_cells());
        }
        let (channels, filters) = (self.channels / self.groups, self.filters / self.groups);
        let parts = rooms.kernel.chunks_exact_mut(channels * filters);
        for (index, part) in parts.enumerate() {
            let (group, tap) = (index / self.window.taps(), index % self.window.taps());
            let weights = &weights[tap * channels * self.filters + group * filters..];
            let end = (channels - 1) * self.filters + filters;
            kernel::transpose(&weights[..end], filters, self.filters, part, channels);
        }
    }

    /// Writes the images that `outputs` came from, each weighed as its output was: their gradient, or a transposed
    /// convolution. After [`Self::turn_kernel`].
    pub fn back<F: Real>(&self, tables: &[Vec<u32>], outputs: &[F], rooms: &mut Rooms<'_, F>, images: &mut [F]) {
        if self.gathers_back() {
            return self.gather_back(tables, outputs, rooms, images);
        }
        let frame = self.window.frame();
        if frame.is_bare() {
            return self.add_back(tables, outputs, rooms.kernel, rooms.patches, images);
        }
        let framed = images.len() / self.image_cells() * frame.positions() * self.channels;
        let framed = &mut rooms.images[..framed];
        self.add_back(tables, outputs, rooms.kernel, rooms.patches, framed);
        frame.take(framed, self.channels, 1, images);
    }

    fn gather_back<F: Real>(&self, tables: &[Vec<u32>], outputs: &[F], rooms: &mut Rooms<'_, F>, images: &mut [F]) {
        let (channels, filters) = (self.channels / self.groups, self.filters / self.groups);
        let rows = images.len() / self.channels;
        let frame = self.gradient_frame();
        let outputs = if frame.is_bare() {
            outputs
        } else {
            frame.put(outputs, self.filters, 1, rooms.gradients);
            &*rooms.gradients
        };
        let weights = rooms.kernel.chunks_exact(self.window.taps() * filters * channels);
        for (group, weights) in weights.enumerate() {
            let positions = &tables[POSITIONS_OF_GRADIENTS][..rows];
            let patches = Gathered::new(&outputs[group * filters..], positions, &tables[CELLS_OF_A_GRADIENT]);
            let images = MatrixMut::strided(&mut images[group * channels..], rows, channels, self.channels);
            kernel::product_gathered(patches, Matrix::new(weights, channels), images, false);
        }
    }

    fn add_back<F: Real>(
        &self,
        tables: &[Vec<u32>],
        outputs: &[F],
        weights: &[F],
        patches: &mut [F],
        framed: &mut [F],
    ) {
        let (channels, filters) = (self.channels / self.groups, self.filters / self.groups);
        let cells = self.patch_cells();
        let [_, _, columns] = self.window.axes;
        // As many elements of a patch follow each other in an image.
        let run = if self.groups == 1 && columns.dilation == 1 { columns.taps * channels } else { channels };
        framed.fill(F::ZERO);
        for group in 0..self.groups {
            let weights = Matrix::new(&weights[group * filters * cells..][..filters * cells], cells);
            let blocks = outputs.chunks(self.patch_rows() * self.filters);
            let positions = tables[POSITIONS_OF_PATCHES].chunks(self.patch_rows());
            for (outputs, positions) in blocks.zip(positions) {
                let rows = outputs.len() / self.filters;
                let outputs = Matrix::strided(&outputs[group * filters..], rows, filters, self.filters);
                let patches = &mut patches[..rows * cells];
                kernel::product(outputs, weights, patches, false);
                kernel::scatter_rows(
                    patches,
                    positions,
                    &tables[CELLS_OF_A_PATCH],
                    run,
                    &mut framed[group * channels..],
                );
            }
        }
    }
}

/// Where windows begin in a few framed images, one after the other.
fn places(frame: &Frame, images: usize, counts: [usize; 3], strides: [usize; 3], width: usize) -> Vec<u32> {
    let starts = positions(frame, counts, |count, axis| count * strides[axis]);
    let images = (0..images).map(|image| image * frame.positions());
    images.flat_map(|image| starts.iter().map(move |start| ((image + start) * width) as u32)).collect()
}

/// Where the `cells` of each tap are from where its window begins; `step` gives how far a tap is along an axis.
fn within(
    frame: &Frame,
    taps: [usize; 3],
    step: impl Fn(usize, usize) -> usize,
    width: usize,
    cells: usize,
) -> Vec<u32> {
    let first = positions(frame, taps, step).into_iter().map(|position| position * width);
    first.flat_map(|first| (first..first + cells).map(|place| place as u32)).collect()
}

/// The positions in a frame of so many places along each axis, `step` giving how far each is.
fn positions(frame: &Frame, counts: [usize; 3], step: impl Fn(usize, usize) -> usize) -> Vec<usize> {
    let planes = (0..counts[0]).map(|plane| step(plane, 0) * frame.outer[1]);
    let rows = planes.flat_map(|plane| (0..counts[1]).map(move |row| (plane, row)));
    let rows: Vec<usize> = rows.map(|(plane, row)| (plane + step(row, 1)) * frame.outer[2]).collect();
    let columns: Vec<usize> = (0..counts[2]).map(|column| step(column, 2)).collect();
    rows.into_iter().flat_map(|row| columns.iter().map(move |column| row + column)).collect()
}
