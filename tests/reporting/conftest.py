"""What every figure must keep: nothing cut off."""

import io

import pytest


@pytest.fixture
def drawn():
    """Render a figure to PNG and see that nothing but clipped data would reach over its edge."""

    def render(figure):
        figure.savefig(buffer := io.BytesIO(), format="png", dpi=100)
        tight = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert min(tight.x0, tight.y0) >= -0.02
        assert tight.x1 <= width + 0.02
        assert tight.y1 <= height + 0.02
        assert buffer.getvalue().startswith(b"\x89PNG")
        return figure

    return render


@pytest.fixture
def legend():
    """The words of a figure's legend."""
    return lambda figure: [text.get_text() for text in figure.legends[0].get_texts()] if figure.legends else []
