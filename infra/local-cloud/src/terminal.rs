//! What a person sees: progress goes to standard error, results to standard output, so that output can be piped.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How standard error may be written to: with colours and a spinner, or as plain lines.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    color: bool,
    interactive: bool,
    silent: bool,
}

impl Terminal {
    /// Colours only on a terminal, and never where `NO_COLOR` is set to anything.
    pub fn detect() -> Self {
        let interactive = std::io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { color: interactive && !no_color && !dumb, interactive: interactive && !dumb, silent: false }
    }

    /// Says nothing but errors.
    pub fn silent() -> Self {
        Self { color: false, interactive: false, silent: true }
    }

    /// Tells one thing that happened.
    pub fn note(&self, text: &str) {
        self.line(&format!("{} {text}", self.paint("36", "•")));
    }

    /// Tells something that the reader may want to act on.
    pub fn warn(&self, text: &str) {
        self.line(&format!("{} {text}", self.paint("33", "!")));
    }

    /// Prints an error with its causes, the outermost first.
    pub fn error(&self, error: &anyhow::Error) {
        eprintln!("{} {error}", self.paint("31;1", "error:"));
        for cause in error.chain().skip(1) {
            eprintln!("  {} {cause}", self.paint("2", "because:"));
        }
    }

    /// Begins a step that takes a while: a spinner on a terminal, one line elsewhere.
    pub fn step(&self, text: impl Into<String>) -> Step {
        let text = text.into();
        let bar = if self.interactive {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = if self.color { "{spinner:.cyan} {msg} {elapsed:.dim}" } else { "{spinner} {msg} {elapsed}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(text.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            Some(bar)
        } else {
            self.line(&format!("• {text}"));
            None
        };
        Step { terminal: *self, bar, started: Instant::now() }
    }

    /// Begins a step whose length is known: a bar on a terminal, one line elsewhere.
    pub fn progress(&self, text: &str, length: usize) -> Step {
        let bar = if self.interactive {
            let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(text.to_owned());
            Some(bar)
        } else {
            self.line(&format!("• {text}"));
            None
        };
        Step { terminal: *self, bar, started: Instant::now() }
    }

    /// Begins several things that happen at the same time: a line for each on a terminal, a line at the end of each
    /// elsewhere.
    pub fn board(&self, length: usize) -> Board {
        let bars = MultiProgress::with_draw_target(if self.interactive {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        let total = bars.add(ProgressBar::new(length as u64));
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} orders {elapsed}") {
            total.set_style(style.progress_chars("=> "));
        }
        Board { terminal: *self, bars, total }
    }

    fn line(&self, text: &str) {
        if !self.silent {
            eprintln!("{text}");
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Several things that happen at the same time.
#[derive(Debug)]
pub struct Board {
    terminal: Terminal,
    bars: MultiProgress,
    total: ProgressBar,
}

impl Board {
    /// A line for one of them.
    pub fn line(&self) -> Line {
        let bar = self.bars.insert_before(&self.total, ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
            bar.set_style(style);
        }
        Line { terminal: self.terminal, bars: self.bars.clone(), total: self.total.clone(), bar }
    }

    /// Ends all of them.
    pub fn done(self) {
        self.total.finish_and_clear();
    }
}

/// One line of a [`Board`].
#[derive(Debug)]
pub struct Line {
    terminal: Terminal,
    bars: MultiProgress,
    total: ProgressBar,
    bar: ProgressBar,
}

impl Line {
    /// What happens now.
    pub fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
        self.bar.tick();
    }

    /// What came of it. Stays on the screen.
    pub fn finish(&self, text: &str) {
        self.bar.finish_and_clear();
        self.total.inc(1);
        if self.terminal.interactive {
            let _ = self.bars.println(format!("  {text}"));
        } else {
            self.terminal.line(&format!("  {text}"));
        }
    }
}

/// A running step. Dropped without [`Step::done`], it leaves nothing on the terminal.
#[derive(Debug)]
pub struct Step {
    terminal: Terminal,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Step {
    /// Moves a bar on.
    pub fn advance(&self, by: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(by as u64);
        }
    }

    /// Ends the step and says what came of it and how long it took.
    pub fn done(self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let took = format!("({:.1} s)", self.started.elapsed().as_secs_f64());
        self.terminal.line(&format!("{} {text} {}", self.terminal.paint("32", "✓"), self.terminal.paint("2", &took)));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
