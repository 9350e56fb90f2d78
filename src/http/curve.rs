//! `/v1/jobs/{job}/curve.svg`: a metric by epoch as a picture, for a README, a chat or a notebook.

use crate::{
    engine::field::did_you_mean,
    http::{
        App, history,
        path::Id,
        problem::{Kind, Problem},
        query::Parameters,
    },
    job::{History, Job},
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::{fmt::Write, sync::Arc};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Space of axes and texts: left, right, top, bottom.
const MARGIN: (f64, f64, f64, f64) = (64.0, 20.0, 64.0, 40.0);
/// Buckets of a curve: about two per pixel of its width.
const POINTS: usize = 1200;
/// Number of intervals of an axis, about.
const TICKS: f64 = 5.0;

/// Colours of the picture.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

struct Colours {
    surface: &'static str,
    text: &'static str,
    muted: &'static str,
    grid: &'static str,
    line: &'static str,
}

impl Theme {
    fn colours(self) -> Colours {
        match self {
            Self::Light => {
                Colours { surface: "#ffffff", text: "#1c1e21", muted: "#5a5f68", grid: "#e3e1db", line: "#0072b2" }
            }
            Self::Dark => {
                Colours { surface: "#1a1d23", text: "#e9eaec", muted: "#a4abb6", grid: "#2d323b", line: "#5eb3ea" }
            }
        }
    }
}

/// Which picture.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CurveQuery {
    /// Metric, drawn with its `val_` twin
    #[serde(default = "loss")]
    #[param(default = "loss", example = "loss")]
    metric: String,
    /// Colours; default: `light`
    #[serde(default)]
    #[param(inline)]
    theme: Theme,
}

fn loss() -> String {
    "loss".to_owned()
}

/// Curve of a job as SVG
#[utoipa::path(get, path = "/v1/jobs/{job}/curve.svg", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id"), CurveQuery),
    responses((status = 200, description = "The picture", content_type = "image/svg+xml", body = String, example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")))]
pub async fn curve(
    State(app): State<Arc<App>>,
    Id(id): Id,
    Parameters(query): Parameters<CurveQuery>,
) -> Result<Response, Problem> {
    let job = app.store.job(id).await?;
    let history = history::read(&*app.store, id, POINTS, 0, u32::MAX).await?;
    let metric = query.metric.as_str();
    if !history.epoch.is_empty() && !history.metrics.contains_key(metric) {
        let known: Vec<&str> = history.metrics.keys().map(String::as_str).collect();
        let hint = did_you_mean(metric, known.iter().copied());
        let detail = format!("in the query: metric: expected one of {}, received {metric:?}{hint}", known.join(", "));
        return Err(Problem::new(Kind::Malformed, detail));
    }
    let picture = draw(&job, &history, metric, &query.theme.colours());
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response())
}

/// One curve: epochs and values.
struct Curve {
    name: String,
    is_validation: bool,
    points: Vec<(f64, f64)>,
}

fn curves(history: &History, metric: &str) -> Vec<Curve> {
    let names = [(metric.to_owned(), false), (format!("val_{metric}"), true)];
    let of = |(name, is_validation): (String, bool)| {
        let column = history.metrics.get(&name)?;
        let epochs = history.epoch.iter().map(|epoch| f64::from(*epoch));
        let points = epochs.zip(&column.last).filter_map(|(epoch, value)| Some((epoch, (*value)?))).collect();
        Some(Curve { name, is_validation, points })
    };
    names.into_iter().filter_map(of).collect()
}

/// From a value to a pixel.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, pad: f64, from: f64, to: f64) -> Self {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let space = if high > low { (high - low) * pad } else { low.abs() * 0.1 + 1e-6 };
        Self { low: low - space, high: high + space, from, to }
    }

    fn pixel(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Multiples of 1, 2 or 5 times a power of ten, and their number of decimals.
    fn ticks(&self) -> (Vec<f64>, usize) {
        let raw = (self.high - self.low) / TICKS;
        let power = 10_f64.powf(raw.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= raw * 0.8).unwrap_or(10.0);
        let step = factor * power;
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        ((first..=last).take(20).map(|index| index as f64 * step).collect(), decimals)
    }
}

fn draw(job: &Job, history: &History, metric: &str, colours: &Colours) -> String {
    let curves = curves(history, metric);
    let (left, right, top, bottom) = MARGIN;
    let points = || curves.iter().flat_map(|curve| curve.points.iter());
    let x = Axis::over(points().map(|point| point.0), 0.0, left, WIDTH - right);
    let y = Axis::over(points().map(|point| point.1), 0.06, HEIGHT - bottom, top);
    let Colours { surface, text, muted, grid, line } = colours;
    let title = format!("{} on {}", escaped(&job.model), escaped(&job.dataset));
    let name = escaped(metric);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\" aria-label=\"{name} of {title} by epoch\">\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"12\" fill=\"{surface}\"/>\
         <text x=\"{left}\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"{text}\">{title}</text>"
    );
    let (ticks, decimals) = y.ticks();
    for value in ticks {
        let at = y.pixel(value);
        put(
            &mut out,
            format_args!(
                "<path d=\"M{left} {at:.1}H{end}\" stroke=\"{grid}\"/>\
                 <text x=\"{label}\" y=\"{base:.1}\" text-anchor=\"end\" fill=\"{muted}\">{value:.decimals$}</text>",
                end = WIDTH - right,
                label = left - 8.0,
                base = at + 4.5,
            ),
        );
    }
    for value in x.ticks().0.into_iter().filter(|value| value.fract() == 0.0) {
        let (at, base) = (x.pixel(value), HEIGHT - bottom + 20.0);
        put(
            &mut out,
            format_args!("<text x=\"{at:.1}\" y=\"{base}\" text-anchor=\"middle\" fill=\"{muted}\">{value}</text>"),
        );
    }
    let mut legend = left;
    for curve in &curves {
        let dash = if curve.is_validation { " stroke-dasharray=\"6 4\"" } else { "" };
        let path: String = curve
            .points
            .iter()
            .enumerate()
            .map(|(index, (epoch, value))| {
                let command = if index == 0 { 'M' } else { 'L' };
                format!("{command}{:.1} {:.1}", x.pixel(*epoch), y.pixel(*value))
            })
            .collect();
        let label = escaped(&curve.name);
        put(
            &mut out,
            format_args!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{line}\" stroke-width=\"2\" stroke-linejoin=\"round\"{dash}/>\
                 <path d=\"M{legend} 46h22\" stroke=\"{line}\" stroke-width=\"2\"{dash}/>\
                 <text x=\"{at}\" y=\"50\" fill=\"{muted}\">{label}</text>",
                at = legend + 28.0,
            ),
        );
        legend += 28.0 + 8.0 * curve.name.chars().count() as f64 + 24.0;
    }
    let best = job.best_epoch.map(f64::from);
    let judged =
        curves.last().and_then(|curve| curve.points.iter().find(|point| best.is_some_and(|best| point.0 >= best)));
    if let Some((epoch, value)) = judged {
        let (cx, cy) = (x.pixel(*epoch), y.pixel(*value));
        put(
            &mut out,
            format_args!(
                "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"5\" fill=\"{surface}\" stroke=\"{line}\" stroke-width=\"2\">\
                 <title>best epoch {}</title></circle>",
                best.unwrap_or_default(),
            ),
        );
    }
    if points().next().is_none() {
        let (cx, cy) = (WIDTH / 2.0, HEIGHT / 2.0);
        put(
            &mut out,
            format_args!("<text x=\"{cx}\" y=\"{cy}\" text-anchor=\"middle\" fill=\"{muted}\">no epoch yet</text>"),
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Writing to a text cannot fail.
fn put(out: &mut String, part: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(part);
}

/// Text as XML, which has no control characters.
fn escaped(text: &str) -> String {
    let text = text.replace(|character: char| character.is_control(), "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_map_values_and_have_round_ticks() {
        let axis = Axis::over([0.0, 1.0].into_iter(), 0.0, 100.0, 200.0);
        assert_eq!((axis.pixel(0.0), axis.pixel(0.5), axis.pixel(1.0)), (100.0, 150.0, 200.0));
        let (ticks, decimals) = axis.ticks();
        assert_eq!(
            ticks.iter().map(|tick| format!("{tick:.decimals$}")).collect::<Vec<_>>(),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        // One value, and none.
        for values in [vec![3.0], vec![0.0], vec![]] {
            let axis = Axis::over(values.into_iter(), 0.1, 0.0, 10.0);
            assert!(axis.high > axis.low && !axis.ticks().0.is_empty());
        }
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
        assert_eq!(escaped("a\0\u{1b}\u{9b}b"), "a\u{fffd}\u{fffd}\u{fffd}b");
    }
}
