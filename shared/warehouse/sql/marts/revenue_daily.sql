-- What each channel earned on each Pacific day, for each thousand views, and what advertisements brought.
-- All money is YouTube's estimate in USD and is restated for weeks. NULL has its reason in `estimated_revenue_reason`.
-- Unique: channel_id, date. Never NULL: channel_id, date. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- estimated_revenue: from all sources
-- estimated_revenue_reason: why it is NULL
-- ad_revenue: from advertisements
-- premium_revenue: from YouTube Premium
-- gross_revenue: what advertisers paid, before YouTube's part
-- views: how often its videos were watched
-- engaged_views: views beyond the first seconds
-- revenue_per_thousand_views: estimated revenue for 1,000 views; falls where `views` begins to count every start
-- revenue_per_thousand_engaged_views: for 1,000 engaged views, which may be compared over years
-- monetized_playbacks: playbacks with at least one advertisement
-- ad_impressions: advertisements shown
-- playback_based_cpm: gross revenue for 1,000 monetized playbacks, as YouTube says
-- cpm: gross revenue for 1,000 advertisements shown, as YouTube says
-- state: final, provisional or history: what the views are
WITH
parts AS (
  SELECT
    channel_id,
    date,
    STRUCT(
      views AS views,
      engaged_views AS engaged_views,
      estimated_revenue AS estimated_revenue,
      estimated_revenue_reason AS estimated_revenue_reason,
      state AS state
    ) AS day,
    NULL AS money,
    NULL AS ads
  FROM `{dataset}.youtube_metrics`
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL,
    STRUCT(
      CAST(JSON_VALUE(metrics, '$.estimatedAdRevenue') AS NUMERIC) AS ad_revenue,
      CAST(JSON_VALUE(metrics, '$.estimatedRedPartnerRevenue') AS NUMERIC) AS premium_revenue,
      CAST(JSON_VALUE(metrics, '$.grossRevenue') AS NUMERIC) AS gross_revenue
    ),
    NULL
  FROM `{dataset}.current_analytics`
  WHERE query = 'revenue_daily'
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL, NULL,
    STRUCT(
      CAST(CAST(JSON_VALUE(metrics, '$.monetizedPlaybacks') AS NUMERIC) AS INT64) AS monetized_playbacks,
      CAST(CAST(JSON_VALUE(metrics, '$.adImpressions') AS NUMERIC) AS INT64) AS ad_impressions,
      CAST(JSON_VALUE(metrics, '$.playbackBasedCpm') AS NUMERIC) AS playback_based_cpm,
      CAST(JSON_VALUE(metrics, '$.cpm') AS NUMERIC) AS cpm
    )
  FROM `{dataset}.current_analytics`
  WHERE query = 'ads_daily'
),
days AS (
  SELECT
    channel_id,
    date,
    MAX(day.estimated_revenue) AS estimated_revenue,
    MAX(day.estimated_revenue_reason) AS estimated_revenue_reason,
    MAX(money.ad_revenue) AS ad_revenue,
    MAX(money.premium_revenue) AS premium_revenue,
    MAX(money.gross_revenue) AS gross_revenue,
    MAX(day.views) AS views,
    MAX(day.engaged_views) AS engaged_views,
    MAX(ads.monetized_playbacks) AS monetized_playbacks,
    MAX(ads.ad_impressions) AS ad_impressions,
    MAX(ads.playback_based_cpm) AS playback_based_cpm,
    MAX(ads.cpm) AS cpm,
    MAX(day.state) AS state
  FROM parts
  GROUP BY channel_id, date
)
SELECT
  channel_id,
  date,
  estimated_revenue,
  estimated_revenue_reason,
  ad_revenue,
  premium_revenue,
  gross_revenue,
  views,
  engaged_views,
  ROUND(CAST(SAFE_DIVIDE(estimated_revenue * 1000, views) AS BIGNUMERIC), 4) AS revenue_per_thousand_views,
  ROUND(CAST(SAFE_DIVIDE(estimated_revenue * 1000, engaged_views) AS BIGNUMERIC), 4)
    AS revenue_per_thousand_engaged_views,
  monetized_playbacks,
  ad_impressions,
  playback_based_cpm,
  cpm,
  state
FROM days
