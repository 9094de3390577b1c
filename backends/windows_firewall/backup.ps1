# ---- the engine, backups and the rest of a plan; the same in every script -----------------------

function Get-OwnAddress {
    [CmdletBinding()]
    [OutputType([string])]
    param ()
    # Of this server, without those that no router forwards: loopback, and what hosts give
    # themselves.
    foreach ($card in [System.Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
        foreach ($unicast in $card.GetIPProperties().UnicastAddresses) {
            $text = $unicast.Address.ToString() -replace '%.*$', ''
            if ($text -notmatch '^(127\.|169\.254\.|::1$|fe[89ab])') {
                $text
            }
        }
    }
}

function Assert-OwnServer {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        # Whether another server is an error, and whether rules are asked for.
        [Parameter(Mandatory = $true)]
        [bool] $Stops,

        [Parameter(Mandatory = $true)]
        [bool] $ForRules
    )
    $here = @(Get-OwnAddress)
    $others = @($here | Where-Object { -not (Test-Within -Address $_ -Range $Policy['Address']) })
    if ($others.Count -eq $here.Count) {
        $text = 'This machine has none of the addresses of server {0} ({1}).'
        $text = $text -f $Policy['Server'], ($Policy['Address'] -join ', ')
        if ($Stops) {
            throw ('{0} Nothing was changed; -Force does it all the same.' -f $text)
        }
        Write-Warning -Message $text
    }
    elseif ($ForRules -and $others.Count -gt 0) {
        $text = 'The rules are for the addresses of the policy, and not for others of this server: {0}'
        if ($Policy['Outbound'] -eq 'Block') {
            $text += '. Outbound traffic from these will be BLOCKED unless rules of others allow it.'
        }
        Write-Warning -Message ($text -f ($others -join ', '))
    }
}

function Get-KeywordFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live
    )
    if ($Wanted.Count -eq 0) {
        return
    }
    $command = 'New-NetFirewallDynamicKeywordAddress'
    if ($null -eq (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
        $text = 'The rules use dynamic keywords, which need Windows Server 2022 (build 20348) or'
        throw ($text + ' Azure Stack HCI 21H2. Nothing was changed.')
    }
    $field = @{ Name = 'Addresses'; Kind = 'Address'; Default = '' }
    foreach ($item in $Wanted) {
        $keyword = $item.Clone()
        $lists = @{ Addresses = @() }
        if ($item.ContainsKey('Addresses')) {
            $lists['Addresses'] = @($item['Addresses'] -split ',')
            $keyword['Addresses'] = $lists['Addresses'] -join ','
        }
        $finding = [pscustomobject] @{
            Name = $item['Keyword']; Finding = 'Missing'; Detail = 'Dynamic keyword'
            Wanted = $keyword; Former = $null
        }
        $id = $item['Id'].Trim([char[]] '{}')
        if (-not $Live.ContainsKey($id)) {
            $finding
            continue
        }
        $finding.Former = $Live[$id]
        if ($item.ContainsKey('Addresses')) {
            $is = @{ Addresses = @("$($Live[$id]['Addresses'])" -split ',' | Where-Object { $_ }) }
            $texts = foreach ($list in @($is, $lists)) {
                ConvertTo-FieldText -Field $field -Value $list['Addresses']
            }
            if ($texts[0] -ne $texts[1]) {
                $finding.Finding = 'Changed: Addresses'
                $finding.Detail = Format-Difference -Field $field -Wanted $lists -Live $is
                $finding
            }
        }
    }
}

function Get-KeywordId {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        # Rules: objects of Windows or parameters.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Of the dynamic keywords that the rules use, without braces.
    $name = 'RemoteDynamicKeywordAddresses'
    foreach ($item in $Rule) {
        $ids = @(Get-PropertyValue -InputObject $item -Name $name)
        if ($item -is [hashtable]) {
            $ids = @($item[$name])
        }
        foreach ($id in $ids) {
            if ("$id" -ne '') {
                "$id".Trim([char[]] '{}')
            }
        }
    }
}

function Get-UnusedKeyword {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Finding,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $EveryRule,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted
    )
    # A dynamic keyword goes when the last rule that used it has gone, whoever made that rule.
    $there = @($Finding | Where-Object { $null -ne $_.Former })
    $changed = @($there | ForEach-Object { $_.Name })
    $others = @($EveryRule | Where-Object { $_.Name -notin $changed })
    $used = @(Get-KeywordId -Rule ($others + $Wanted))
    Get-KeywordId -Rule @($there | ForEach-Object { $_.Former }) |
        Where-Object { $_ -notin $used } | Sort-Object -Unique
}

function Save-Backup {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $State,

        # Of exceptions in the table, by name.
        [Parameter(Mandatory = $true)]
        [hashtable] $LastDay,

        [Parameter(Mandatory = $true)]
        [string] $Path
    )
    # All that this script can change, as it is. Of dynamic keywords those that its rules use.
    $ids = @(Get-KeywordId -Rule @($State['Rule'].Values))
    $used = @{}
    foreach ($id in @($State['Keyword'].Keys)) {
        if ($id -in $ids) {
            $used[$id] = $State['Keyword'][$id]
        }
    }
    $content = [ordered] @{ Version = '1'; Server = $Policy['Server']; Group = $Policy['Group'] }
    $content['NamePrefix'] = $Policy['NamePrefix']
    $content['PolicyStore'] = $Store
    foreach ($name in @('Memory', 'Proxy', 'ProxyMemory', 'Rule', 'Setting')) {
        $content[$name] = $State[$name]
    }
    $content['Keyword'] = $used
    $days = @{}
    foreach ($name in @($State['Rule'].Keys)) {
        $day = Get-LastDay -Rule $State['Rule'][$name]
        if ($LastDay.ContainsKey($name)) {
            $day = $LastDay[$name]
        }
        if ($day -ne '') {
            $days[$name] = $day
        }
    }
    $content['Until'] = $days
    $text = ConvertTo-Json -InputObject $content -Depth 6
    [System.IO.File]::WriteAllText($Path, $text)
}

function ConvertTo-Table {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [object] $InputObject
    )
    # Objects of JSON as hashtables, lists of texts as they are.
    $table = @{}
    if ($null -ne $InputObject) {
        foreach ($property in $InputObject.PSObject.Properties) {
            $value = $property.Value
            if ($value -is [System.Management.Automation.PSCustomObject]) {
                $value = ConvertTo-Table -InputObject $value
            }
            $table[$property.Name] = $value
        }
    }
    $table
}

function Read-Backup {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [string] $Path
    )
    try {
        $text = [System.IO.File]::ReadAllText($Path)
        $backup = ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject $text)
    }
    catch {
        throw ('Nothing was changed: the backup {0} cannot be read. {1}' -f $Path, $_)
    }
    $right = @{ Version = '1'; PolicyStore = $Store; Server = $Policy['Server'] }
    $right['Group'] = $Policy['Group']
    $right['NamePrefix'] = $Policy['NamePrefix']
    foreach ($name in @($right.Keys | Sort-Object)) {
        if ("$($backup[$name])" -ne $right[$name]) {
            $fault = '{0} is ''{1}'' and not ''{2}''' -f $name, $backup[$name], $right[$name]
            throw ('Nothing was changed: this is no backup of these rules, its {0}.' -f $fault)
        }
    }
    foreach ($name in @('Rule', 'Keyword', 'Setting', 'Memory', 'Proxy', 'ProxyMemory')) {
        if ($backup[$name] -isnot [hashtable]) {
            throw ('Nothing was changed: the backup has no {0}.' -f $name)
        }
    }
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    foreach ($rule in $backup['Rule'].Values) {
        $isOwn = "$($rule['Name'])".StartsWith($Policy['NamePrefix'], $ignoreCase)
        if (-not $isOwn -or "$($rule['Group'])" -ne $Policy['Group']) {
            throw ('Nothing was changed: rule {0} of the backup is not ours.' -f $rule['Name'])
        }
    }
    foreach ($name in @(@($backup['Setting'].Keys) + @($backup['Memory'].Keys) | Sort-Object)) {
        $values = '^$'
        switch -Regex ($name) {
            '^Outbound (Domain|Private|Public)$' { $values = '^(NotConfigured|Allow|Block)$' }
            '^Built-in .' { $values = '^(True|False|Absent)$' }
        }
        $both = @($backup['Setting'][$name], $backup['Memory'][$name] | Where-Object { $null -ne $_ })
        if (@($both | Where-Object { "$_" -notmatch $values }).Count -gt 0) {
            throw ('Nothing was changed: {0} of the backup is no setting of ours.' -f $name)
        }
    }
    # Exceptions end, whatever the policy says by now.
    if ($backup['Until'] -isnot [hashtable]) {
        $backup['Until'] = @{}
    }
    foreach ($rule in $backup['Rule'].Values) {
        if (-not $backup['Until'].ContainsKey($rule['Name'])) {
            $backup['Until'][$rule['Name']] = Get-LastDay -Rule $rule
        }
    }
    $backup
}
